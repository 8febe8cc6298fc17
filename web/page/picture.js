/** A photo of the user as pixels: 8-bit RGB as people see it, in bounded memory, and a smaller copy to draw on. */

import { UserError } from '../contract/refusal.js';

/** Above this many pixels the browser halves the picture while it decodes; above the second it is not opened. */
const MAX_PIXELS = 2 ** 25;
const MAX_OPENED = 2 ** 28;
const STRIP_ROWS = 256;

/**
 * @typedef {object} Picture
 * @property {import('../input/resize.js').RgbImage} image what the model gets.
 * @property {ImageBitmap} bitmap the same, to be drawn. @property {number} halved how often its sides were halved.
 */

/** @param {Blob} file @returns {Promise<Picture>} @throws {UserError} for what is no picture, or too large. */
export async function openPicture(file) {
  const { width, height } = await sizeOf(file);
  if (width * height > MAX_OPENED) {
    const limit = `${MAX_OPENED / 1e6 | 0} million pixels`;
    throw new UserError(`a picture of up to ${limit}`, `${width} × ${height}`, 'make it smaller');
  }
  let halved = 0;
  while ((width * height) / 4 ** halved > MAX_PIXELS) halved++;
  // As it is stored but for its orientation: a colour profile would be another program's opinion of the pixels.
  const options = /** @type {ImageBitmapOptions} */ ({ colorSpaceConversion: 'none', imageOrientation: 'from-image' });
  if (halved) Object.assign(options, { resizeWidth: width >> halved, resizeHeight: height >> halved, resizeQuality: 'medium' });
  try {
    const bitmap = await createImageBitmap(file, options);
    return { image: pixelsOf(bitmap, bitmap.width, bitmap.height), bitmap, halved };
  } catch {
    throw new UserError('a picture that this browser opens', 'one that is damaged, too large or of another format', 'choose another one');
  }
}

/** From the header alone: browsers decode an <img> where it is drawn. @param {Blob} file */
async function sizeOf(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
  } catch {
    throw new UserError('a picture', 'a file that this browser does not open as one', 'choose a JPEG, PNG or WebP');
  } finally {
    URL.revokeObjectURL(image.src);
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/**
 * RGB of what can be drawn, over white where it is transparent; in strips, since a canvas of the whole would be four bytes a pixel more.
 * @param {CanvasImageSource} source @param {number} width @param {number} height
 * @returns {import('../input/resize.js').RgbImage}
 */
export function pixelsOf(source, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = Math.min(height, STRIP_ROWS);
  // Software canvases give back the bytes that were drawn.
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  const pixels = new Uint8Array(3 * width * height);
  let at = 0;
  for (let top = 0; top < height; top += STRIP_ROWS) {
    const rows = Math.min(STRIP_ROWS, height - top);
    pen.fillStyle = 'white';
    pen.fillRect(0, 0, width, rows);
    pen.drawImage(source, 0, top, width, rows, 0, 0, width, rows);
    const { data } = pen.getImageData(0, 0, width, rows);
    for (let index = 0; index < data.length; index += 4) {
      pixels[at++] = data[index];
      pixels[at++] = data[index + 1];
      pixels[at++] = data[index + 2];
    }
  }
  return { width, height, pixels };
}
