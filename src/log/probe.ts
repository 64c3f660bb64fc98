/** The steps of the pipeline, in the order in which a message meets them. */
export const PIPELINE_STEPS = [
  "command.accepted",
  "command.durable",
  "command.applied",
  "command.released",
  "command.answered",
  "flush.planned",
  "flush.rows",
  "flush.device_states",
  "flush.conversations",
  "flush.checkpoint",
  "flush.landed",
] as const;

export type PipelineStep = (typeof PIPELINE_STEPS)[number];

/** Told of each step when it is done: for tests that stop the world there, and for traces. */
export type Probe = (step: PipelineStep) => void;
