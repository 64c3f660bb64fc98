/** Shapes of a deployment that the runners can set up. Others join by name. */
const SHAPES = ["lmdb"] as const;

export type Shape = (typeof SHAPES)[number];

/** The shape of this name; throws where there is none. */
export function shapeFrom(name: string): Shape {
  const shape = SHAPES.find((known) => known === name);
  if (shape === undefined) throw new Error(`there is no shape ${name}; there are: ${SHAPES.join(", ")}`);
  return shape;
}
