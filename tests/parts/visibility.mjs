// What can be seen of a page. These functions run in the page.

/** Whether an element is inside the window, and nothing covers it. Runs in the page. */
export function isVisible(id) {
  const element = document.getElementById(id);
  const { top, bottom, left } = element.getBoundingClientRect();
  const seen = (y) => element.contains(document.elementFromPoint(left + 10, y));
  return top >= 0 && bottom <= innerHeight && seen(top + 3) && seen(bottom - 3);
}

/** The contrast (WCAG 2.2) of every text that is to be seen against what is behind it. Runs in the page. */
export function contrastsOf() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => {
      const [one, other] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))].toSorted((a, b) => b - a);
      return { text: element.textContent.slice(0, 40), contrast: (one + 0.05) / (other + 0.05) };
    });
}
