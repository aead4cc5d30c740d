-- wrk -s wrk.lua URL -- SIZE OBJECTS: asks for /SIZE/0, /SIZE/1, … in turn. For a single object
-- wrk's own constant request is kept, which costs the load generator less.
function init(args)
  local size, objects = args[1], tonumber(args[2])
  if objects == 1 then return end
  local requests, next = {}, 0
  for number = 0, objects - 1 do
    requests[number] = wrk.format("GET", "/" .. size .. "/" .. number)
  end
  function request()
    next = (next + 1) % objects
    return requests[next]
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'RESULT {"requests":%d,"bytes":%d,"errors":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.bytes, failed,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
