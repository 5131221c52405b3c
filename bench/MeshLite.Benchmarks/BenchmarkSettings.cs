using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace MeshLite.Benchmarks;

/// <summary>
/// How all of them run: in this process, which saves a build for each, and briefly, so that all take a minute or two. The median of
/// many short iterations, since a busy machine disturbs some of them and not the others. <c>--job</c> and the like add to it.
/// </summary>
internal sealed class BenchmarkSettings : ManualConfig
{
    public BenchmarkSettings()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(3)
            .WithIterationCount(15)
            .WithIterationTime(TimeInterval.FromMilliseconds(40))
            .WithId("Brief"));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumnProvider(DefaultColumnProviders.Params, DefaultColumnProviders.Descriptor, DefaultColumnProviders.Metrics);
        AddColumn(StatisticColumn.Median, StatisticColumn.P95);
        HideColumns("Gen0", "Gen1", "Gen2");
        AddLogger(new ProgressLogger());
        AddExporter(MarkdownExporter.GitHub, JsonExporter.Brief);
    }
}
