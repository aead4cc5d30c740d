const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850_DATE =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * An HTTP-date in milliseconds, or `undefined` for anything else: `Date.parse` takes far too much,
 * and RFC 9111 §5.3 wants odd dates to count as the past.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) {
    const [, day, month, year, hour, minute, second] = imf;
    return fromParts(Number(year), month, day, hour, minute, second);
  }
  const rfc850 = RFC850_DATE.exec(text);
  if (rfc850 !== null) {
    const [, day, month, year, hour, minute, second] = rfc850;
    return fromParts(fullYear(Number(year), now), month, day, hour, minute, second);
  }
  const asctime = ASCTIME_DATE.exec(text);
  if (asctime === null) return undefined;
  const [, month, day, hour, minute, second, year] = asctime;
  return fromParts(Number(year), month, day, hour, minute, second);
}

/** RFC 9110 §5.6.7: IMF-fixdate, the only form that is sent. */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

/** RFC 9110 §5.6.7: a two-digit year more than 50 years ahead is in the past century. */
function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function fromParts(
  year: number,
  monthName = "",
  day = "",
  hour = "",
  minute = "",
  second = "",
): number | undefined {
  const month = MONTHS.indexOf(monthName);
  if (month < 0 || Number(day) < 1 || Number(day) > 31) return undefined;
  // RFC 9110 §5.6.7 allows a leap second.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  return Date.UTC(year, month, Number(day), Number(hour), Number(minute), Number(second));
}
