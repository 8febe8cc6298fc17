/** The camera, one frame after the other; each frame waits for the answer to the one before. */

import { UserError } from '../contract/refusal.js';

const WIDTH = 640;

/** @type {Record<string, [string, string, string]>} */
const REASONS = {
  NotAllowedError: ['leave to use the camera', 'a refusal', "allow it in the browser's settings of this page, or choose a photo"],
  NotFoundError: ['a camera', 'none', 'connect one, or choose a photo'],
  NotReadableError: ['a camera that is free', 'one that another program uses', 'close that program, or choose a photo'],
};

/** @param {MediaStream} stream */
function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}

export class Camera {
  constructor() {
    /** @type {MediaStream | null} */
    this.stream = null;
    /** Of the start that is wanted; a stop takes it away. @type {object | null} */
    this.wanted = null;
    this.video = document.createElement('video');
    this.video.muted = true;
    this.video.playsInline = true;
  }

  get running() {
    return this.stream !== null;
  }

  /**
   * @returns {Promise<boolean>} whether it runs; false where it was stopped before it did, which nobody sees of it.
   * @throws {UserError} where there is none, or the user refuses.
   */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new UserError('a page from https or from this machine', 'another one, to which browsers give no camera', 'choose a photo');
    }
    const own = {};
    this.wanted = own;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: WIDTH } } });
      if (this.wanted !== own) {
        end(stream);
        return false;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      return this.wanted === own;
    } catch (error) {
      if (this.wanted !== own) return false;
      this.stop();
      const reason = error instanceof DOMException ? error : new DOMException(String(error), 'Error');
      throw new UserError(...(REASONS[reason.name] ?? ['a camera that works', reason.message || reason.name, 'choose a photo']));
    }
  }

  stop() {
    this.wanted = null;
    if (this.stream !== null) end(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  /**
   * @param {(video: HTMLVideoElement) => Promise<void>} answer what becomes of a frame; its failure ends the camera.
   * @param {(error: unknown) => void} failed
   */
  async frames(answer, failed) {
    try {
      while (this.stream !== null) {
        if (this.video.videoWidth > 0) await answer(this.video);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    } catch (error) {
      this.stop();
      failed(error);
    }
  }
}
