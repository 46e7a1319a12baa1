// The pictures of a page.

export const panels = { update() {} };
