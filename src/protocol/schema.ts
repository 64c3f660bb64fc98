// What frames are described with.
export { list, object, optional, tuple, union } from "./composites.js";
export type { Field, FieldDoc, Fields, Infer, Optional } from "./field.js";
export { bool, bytes, oneOf, text, uint, uuid } from "./scalars.js";
