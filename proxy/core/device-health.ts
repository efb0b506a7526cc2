/**
 * Error limiting, as in Swift's proxy: a device that keeps failing is left alone for a while, so that requests do not each
 * wait for its timeout. One request is let through now and then to see whether it is back.
 */
import { isStoreError, type Clock } from '#common';

const FAILURES_BEFORE_PAUSE = 3;
const PAUSE_MS = 2000;

export class DeviceHealth {
  readonly #clock: Clock;
  #failures = 0;
  #pausedUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is to be left alone now; asking changes nothing. */
  get paused(): boolean {
    return this.#failures >= FAILURES_BEFORE_PAUSE && this.#clock.nowMs() < this.#pausedUntilMs;
  }

  /** Whether to ask the device now; after a pause, yes for one request only. */
  usable(): boolean {
    if (this.#failures < FAILURES_BEFORE_PAUSE) return true;
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#pausedUntilMs) return false;
    this.#pausedUntilMs = nowMs + PAUSE_MS;
    return true;
  }

  /** Takes note of an answer (undefined) or a failure. Only failures of the device itself count; a full one says so at once, and reads well. */
  note(error: unknown): void {
    if (!isStoreError(error, 'device-unavailable')) {
      if (error === undefined) this.#failures = 0;
      return;
    }
    this.#failures++;
    if (this.#failures === FAILURES_BEFORE_PAUSE) this.#pausedUntilMs = this.#clock.nowMs() + PAUSE_MS;
  }
}
