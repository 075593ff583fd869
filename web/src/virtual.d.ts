declare module "virtual:assets" {
  const assets: [string, string, number][];
  export default assets;
}
