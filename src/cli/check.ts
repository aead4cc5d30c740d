/** What the doctor found in one place; a message that is not about success says what to do. */
export interface Check {
  readonly status: "ok" | "warn" | "fail";
  readonly name: string;
  readonly message: string;
}

export function ok(name: string, message: string): Check {
  return { status: "ok", name, message };
}

export function warn(name: string, message: string): Check {
  return { status: "warn", name, message };
}

export function fail(name: string, message: string): Check {
  return { status: "fail", name, message };
}
