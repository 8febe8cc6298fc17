/**
 * The service worker: keeps what the page fetches, so that it works without a network. What `make web` fetched has its version in its
 * address and never changes; the page itself and the models come from the network where there is one.
 */

const CACHE = 'tformer-1';
// The page, of which a first visit fetched a part before this script ran. tests/web/test_files.py holds the list complete.
const PAGE = [
  './', 'mediapipe.html', 'style.css',
  'answer/class_map.js', 'answer/detections.js', 'answer/exponential.js', 'answer/fraction.js', 'answer/frame.js',
  'answer/golden_answer.js', 'answer/palette.js', 'answer/ranking.js',
  'contract/checksums.js', 'contract/contract.js', 'contract/fields.js', 'contract/json.js', 'contract/model_file.js',
  'contract/outputs.js', 'contract/preprocessing.js', 'contract/refusal.js', 'contract/text.js', 'contract/zip.js',
  'engine/client.js', 'engine/flatbuffer.js', 'engine/image_model.js', 'engine/litert.js', 'engine/mediapipe.js', 'engine/self_test.js',
  'engine/session.js', 'engine/tensor_check.js', 'engine/worker.js',
  'input/input_pixels.js', 'input/input_tensor.js', 'input/resize.js',
  'page/answer_view.js', 'page/camera.js', 'page/contract_view.js', 'page/draw.js', 'page/elements.js', 'page/main.js',
  'page/mediapipe.js', 'page/picture.js', 'page/shipped.js',
];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(PAGE)));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = () => cache.match(request, { ignoreSearch: true });
  if (request.url.includes('/vendor/')) {
    const found = await kept();
    if (found) return found;
  }
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const found = await kept();
    if (found) return found;
    throw error;
  }
}
