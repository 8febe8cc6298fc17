/** What `make web` put beside this page: models; and the service worker, with which the page works offline. */

/**
 * @param {string} folder of models, and of the list of their names.
 * @returns {Promise<{name: string, address: string}[]>} none where `make web` did not run.
 */
export async function shippedModels(folder) {
  const response = await fetch(`${folder}/index.json`).catch(() => null);
  if (!response?.ok) return [];
  const names = /** @type {string[]} */ (await response.json());
  return names.map((name) => ({ name, address: `${folder}/${encodeURIComponent(name)}.tflite` }));
}

/**
 * Once this resolves, all that the page fetches is kept for offline use. Browsers have service workers on https and on this machine
 * alone; elsewhere, and where the user forbids them, the page works as long as there is a network.
 */
export async function startOffline() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  try {
    await serviceWorker.register('offline.js');
    if (!serviceWorker.controller) {
      const claimed = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
      const late = new Promise((resolve) => setTimeout(resolve, 3000));
      await Promise.race([claimed, late]);
    }
  } catch (error) {
    console.info(`No offline use: ${error}`);
  }
}
