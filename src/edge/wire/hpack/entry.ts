/** RFC 7541 §4.1: what an entry of a table counts beside the octets of its name and value. */
export const ENTRY_OVERHEAD_BYTES = 32;

/** RFC 9113 §6.5.2: SETTINGS_HEADER_TABLE_SIZE until the peer has said something else. */
export const INITIAL_TABLE_BYTES = 4_096;
