// The picture under the pointer (or finger) on the map. The page can be read without it.
for (const map of document.querySelectorAll("[data-map]")) {
  const image = map.querySelector("img");
  const words = map.querySelector("figcaption span");
  const show = (event) => {
    const point = event.target.closest("[data-picture]");
    if (!point) return;
    image.src = point.dataset.picture;
    image.hidden = false;
    words.textContent = point.querySelector("title").textContent;
  };
  map.addEventListener("pointerover", show);
  map.addEventListener("click", show);
}
