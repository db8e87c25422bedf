/** The benchmarks and their sizes: some seconds each on v86. `shell`: done by a program of the guest's on /tmp/data. */
export const BENCHMARKS = [
  { name: "sieve", rounds: 120 },
  { name: "intmix", rounds: 1200 },
  { name: "fib", rounds: 37 },
  { name: "memrep", rounds: 600 },
  { name: "memloop", rounds: 150 },
  { name: "chase", rounds: 10_000_000 },
  { name: "nbody387", rounds: 150_000 },
  { name: "nbodysse", rounds: 400_000 },
  { name: "simd", rounds: 2000 },
  { name: "syscall", rounds: 800_000 },
  { name: "int80", rounds: 500_000 },
  { name: "forkexec", rounds: 150 },
  { name: "pipe", rounds: 15_000 },
  { name: "vm", rounds: 3_000_000 },
  { name: "smc", rounds: 40_000 },
  { name: "bigcode", rounds: 500 },
  { name: "gzip", rounds: 6, shell: "gzip -c /tmp/data > /tmp/data.gz" },
  { name: "sha256", rounds: 12, shell: "sha256sum /tmp/data" },
];
/** Of --quick: this part of the rounds. */
export const QUICK = 4;
/** fib's rounds are its argument: its time grows 1.6 times with each. */
export const roundsOf = ({ name, rounds }, quick) => (!quick ? rounds : name === "fib" ? rounds - 3 : Math.ceil(rounds / QUICK));
