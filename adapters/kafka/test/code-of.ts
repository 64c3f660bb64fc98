import { isChatError } from "sentseen/ports";

/** The code of the error that the promise rejects with; "none" where it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return isChatError(error) ? error.code : String(error);
  }
}
