// Everything works without this file: it only saves a click where a choice is enough.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (field instanceof HTMLElement && field.hasAttribute("data-submit")) field.closest("form").requestSubmit();
});
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLElement && event.target.closest("[data-print]")) window.print();
});
