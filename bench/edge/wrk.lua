-- wrk -s wrk.lua URL -- SIZE OBJECTS [random SEED | new PREFIX]: asks for /SIZE/0, /SIZE/1, … in turn;
-- or for any of them, each as likely; or for /SIZE/PREFIX-0, /SIZE/PREFIX-1, …, none of them twice.
-- For a single object wrk's own constant request is kept, which costs the load generator less.
function init(args)
  local size, objects, order = args[1], tonumber(args[2]), args[3]
  if order == "new" then
    request = new("/" .. size .. "/" .. args[4] .. "-")
    return
  end
  if objects == 1 then return end
  local requests, next = {}, 0
  for number = 0, objects - 1 do
    requests[number] = wrk.format("GET", "/" .. size .. "/" .. number)
  end
  if order == "random" then
    math.randomseed(tonumber(args[4]))
    function request()
      return requests[math.random(0, objects - 1)]
    end
    return
  end
  function request()
    next = (next + 1) % objects
    return requests[next]
  end
end

-- Put together from what comes before and after the number: wrk.format would look at all fields anew.
function new(path)
  local before, after = "GET " .. path, wrk.format("GET", path):match(" HTTP/.*$")
  local number = -1
  return function()
    number = number + 1
    return before .. number .. after
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
