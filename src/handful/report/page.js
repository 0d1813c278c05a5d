// The picture or the text under the pointer (or finger) on the map. The page can be read without it.
for (const map of document.querySelectorAll("[data-map]")) {
  const image = map.querySelector("img");
  const words = map.querySelector("figcaption span");
  const text = map.querySelector("figcaption q");
  const show = (event) => {
    const point = event.target.closest("[data-picture], [data-text]");
    if (!point) return;
    if (point.dataset.picture) {
      image.src = point.dataset.picture;
      image.hidden = false;
    }
    words.textContent = point.querySelector("title").textContent;
    if (point.dataset.text) {
      text.textContent = point.dataset.text;
      text.hidden = false;
    }
  };
  map.addEventListener("pointerover", show);
  map.addEventListener("click", show);
}
