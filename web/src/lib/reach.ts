// What scrolls within itself is reached by the keyboard too: `use:reach`. What fits needs no stop.
export function reach(node: HTMLElement): { destroy: () => void } {
  const isNamed = node.hasAttribute("aria-label") || node.hasAttribute("aria-labelledby");
  const check = () => {
    const isWide = node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
    if (isWide === (node.tabIndex === 0)) return;
    if (!isWide) return ["tabindex", ...(isNamed ? [] : ["role", "aria-label"])].forEach((name) => node.removeAttribute(name));
    node.tabIndex = 0;
    if (isNamed) return;
    node.setAttribute("role", "region");
    node.setAttribute("aria-label", node.querySelector("caption")?.textContent ?? node.closest("section")?.querySelector("h2")?.textContent ?? "Wide table");
  };
  const sized = new ResizeObserver(check);
  const filled = new MutationObserver(check);
  sized.observe(node);
  filled.observe(node, { childList: true, subtree: true });
  check();
  return {
    destroy: () => {
      sized.disconnect();
      filled.disconnect();
    },
  };
}
