/** Draws an answer over its picture, as `tformer_edge` does: boxes with labels, the best on top, or classes blended over it. */

import { textOn } from '../answer/palette.js';

/** Of what is drawn: the longer side at most, and lines and letters as shares of it, or in pixels of the page, whichever is more. */
const LONGEST = 1280;
const [LINE_SHARE, LEAST_LINE, TEXT_SHARE, LEAST_TEXT] = [1 / 300, 1.5, 1 / 40, 15];
const BLEND = 0.5;

/** A label inside other text, whatever its direction is: first strong isolate, pop directional isolate. @param {string} label */
const isolated = (label) => `\u2068${label}\u2069`;

/** @param {number[]} colour */
const css = (colour) => `rgb(${colour.join(' ')})`;

/**
 * @param {HTMLCanvasElement} canvas takes the picture's proportions.
 * @param {CanvasImageSource} source @param {number} width of the picture, in its pixels. @param {number} height
 * @param {import('../engine/image_model.js').Answer} answer @param {number[][]} colours of each class.
 */
export function draw(canvas, source, width, height, answer, colours) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  // A small picture is enlarged by the page's style, in whole pixels of its own.
  const grown = Math.max(1, Math.floor(320 / Math.max(width, height)));
  const factor = scale * grown;
  canvas.width = Math.max(1, Math.round(width * factor));
  canvas.height = Math.max(1, Math.round(height * factor));
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  pen.imageSmoothingEnabled = grown === 1;
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  if (answer.map) drawClasses(pen, answer.map, factor, colours);
  if (answer.objects) drawBoxes(pen, answer.objects, factor, colours);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {import('../engine/image_model.js').SeenClasses} map
 * @param {number} factor @param {number[][]} colours
 */
function drawClasses(pen, map, factor, colours) {
  const [width, height] = [Math.round(map.width * factor), Math.round(map.height * factor)];
  if (width < 1 || height < 1) return;
  const mask = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(map.height - 1, Math.floor((y + 0.5) / factor)) * map.width;
    for (let x = 0; x < width; x++) {
      const label = map.classes[row + Math.min(map.width - 1, Math.floor((x + 0.5) / factor))];
      mask.data.set(colours[label], 4 * (y * width + x));
      mask.data[4 * (y * width + x) + 3] = 255 * BLEND;
    }
  }
  const layer = document.createElement('canvas');
  layer.width = width;
  layer.height = height;
  /** @type {CanvasRenderingContext2D} */ (layer.getContext('2d')).putImageData(mask, 0, 0);
  pen.drawImage(layer, map.left * factor, map.top * factor);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {import('../engine/image_model.js').Found[]} objects
 * @param {number} factor @param {number[][]} colours
 */
function drawBoxes(pen, objects, factor, colours) {
  const side = Math.max(pen.canvas.width, pen.canvas.height);
  // Pixels of the canvas that one of the page shows: on a telephone several.
  const unit = pen.canvas.width / (pen.canvas.clientWidth || pen.canvas.width);
  const line = Math.round(Math.max(LEAST_LINE * unit, side * LINE_SHARE));
  const height = Math.round(Math.max(LEAST_TEXT * unit, side * TEXT_SHARE));
  pen.font = `${0.75 * height}px system-ui, sans-serif`;
  pen.textBaseline = 'middle';
  pen.lineWidth = line;
  for (const { index, label, score, box } of [...objects].reverse()) {
    const [left, top, right, bottom] = box.map((value) => value * factor);
    pen.strokeStyle = css(colours[index]);
    pen.strokeRect(left + line / 2, top + line / 2, Math.max(1, right - left - line), Math.max(1, bottom - top - line));
    const text = `${isolated(label)} ${Math.round(100 * score)} %`;
    const wide = pen.measureText(text).width + height / 2;
    const x = Math.max(0, Math.min(left, pen.canvas.width - wide));
    const y = top >= height ? top - height : Math.min(top, pen.canvas.height - height);
    pen.fillStyle = css(colours[index]);
    pen.fillRect(x, y, wide, height);
    pen.fillStyle = textOn(colours[index]);
    pen.fillText(text, x + height / 4, y + height / 2);
  }
}
