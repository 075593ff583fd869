// Which trace of the server answered which question, for as long as the page is open.
export const remembered = new Map<string, number>();
