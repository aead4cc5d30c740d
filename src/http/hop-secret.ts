/**
 * Shows that a request to one of the control plane's listeners on the loopback is from a worker of its own:
 * anyone on this machine could send the rest of it.
 */
export const HOP_SECRET_FIELD = "x-atoll-secret";
