const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAYS: ReadonlySet<string> = new Set(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);

/** Every month has them. */
const DAYS_ALWAYS = 28;

const ZERO = 0x30;

const RFC850_DATE =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * An HTTP-date in milliseconds, or `undefined` for anything else: `Date.parse` takes far too much,
 * and RFC 9111 §5.3 wants odd dates to count as the past.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  if (isImfFixdate(text)) {
    const month = MONTHS.indexOf(text.slice(8, 11));
    const [day, year] = [digits(text, 5, 7), digits(text, 12, 16)];
    return at(year, month, day, digits(text, 17, 19), digits(text, 20, 22), digits(text, 23, 25));
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
  return at(year, month, Number(day), Number(hour), Number(minute), Number(second));
}

/** RFC 9110 §5.6.7: the form that is sent, by its places; each answer of an origin has two of them. */
function isImfFixdate(text: string): boolean {
  if (text.length !== 29 || !DAYS.has(text.slice(0, 3))) return false;
  if (!text.startsWith(", ", 3) || text[7] !== " " || text[11] !== " " || text[16] !== " ") {
    return false;
  }
  return text[19] === ":" && text[22] === ":" && text.endsWith(" GMT");
}

/** NaN for what is not digits alone. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - ZERO;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : NaN;
  }
  return value;
}

/** RFC 5322 §3.3: a day is within the days that its month has in that year. */
function daysOf(month: number, year: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}

function at(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (month < 0 || !(day >= 1 && day <= 31)) return undefined;
  // RFC 9110 §5.6.7 allows a leap second.
  if (!(hour <= 23 && minute <= 59 && second <= 60) || Number.isNaN(year)) return undefined;
  if (day > DAYS_ALWAYS && day > daysOf(month, year)) return undefined;
  // To `Date.UTC` a year below 100 is one of the past century.
  return year < 100 ? undefined : Date.UTC(year, month, day, hour, minute, second);
}
