using BenchmarkDotNet.Running;
using MeshLite.Benchmarks;

return BenchmarkSwitcher.FromAssembly(typeof(BenchmarkSettings).Assembly).Run(args, new BenchmarkSettings()).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
