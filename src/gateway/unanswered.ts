/**
 * The commands of one connection that aren't answered yet, and how long the oldest of them has been waiting: without
 * keeping anything for each, as there may be a hundred thousand connections with a few each.
 *
 * Now and then it remembers how many are waiting and the greatest number given so far. Answers to numbers up to that are
 * taken off; when some are left after a while, they are late. A client whose numbers don't count up may be noticed late
 * or not at all, but never too soon.
 */
export class Unanswered {
  count = 0;
  private newest = -1;
  private remembered = 0;
  private upTo = -1;
  private since = 0;

  add(ref: number): void {
    this.count++;
    if (ref > this.newest) this.newest = ref;
  }

  remove(ref: number): void {
    this.count--;
    if (ref <= this.upTo) this.remembered--;
  }

  /** Whether any has waited for so many seconds; one that has waited twice as long is surely noticed. */
  late(now: number, seconds: number): boolean {
    if (now - this.since < seconds) return false;
    if (this.remembered > 0) return true;
    this.remembered = this.count;
    this.upTo = this.newest;
    this.since = now;
    return false;
  }
}
