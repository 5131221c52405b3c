using System.Diagnostics;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class ProcessMetricsTests : IDisposable
{
    private readonly MetricRegistry _registry = new(new ManualTimeProvider());

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void AddProcessMetrics_OnLinux_AgreesWithTheProcess()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc exists on Linux only");
        _registry.AddProcessMetrics();

        var samples = Exposition.Samples(_registry);

        using var process = Process.GetCurrentProcess();
        samples["process_start_time_seconds"].ShouldBe((process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds, 1);
        samples["process_cpu_seconds_total"].ShouldBeInRange(0.01, process.TotalProcessorTime.TotalSeconds + 1);
        samples["process_resident_memory_bytes"].ShouldBe(process.WorkingSet64, 0.5 * process.WorkingSet64);
        samples["process_private_memory_bytes"].ShouldBeInRange(1 << 20, samples["process_resident_memory_bytes"]);
        samples["process_virtual_memory_bytes"].ShouldBeGreaterThan(samples["process_resident_memory_bytes"]);
        samples["process_threads"].ShouldBeGreaterThan(1);
        samples["process_max_fds"].ShouldBeGreaterThan(samples["process_open_fds"]);
    }

    [Fact]
    public void OpenFds_OneMoreFile_IsOneMore()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc exists on Linux only");
        _registry.AddProcessMetrics();

        // Other tests open files at the same time: a hundred stand out.
        var before = Exposition.Samples(_registry)["process_open_fds"];
        var files = Enumerable.Range(0, 100).Select(_ => File.OpenHandle("/proc/self/status")).ToArray();
        var after = Exposition.Samples(_registry)["process_open_fds"];
        foreach (var file in files)
        {
            file.Dispose();
        }

        (after - before).ShouldBe(100, 30);
    }

    [Fact]
    public void AddRuntimeMetrics_AfterACollection_CountsIt()
    {
        _registry.AddRuntimeMetrics();
        var before = Exposition.Samples(_registry)["dotnet_gc_collections_total{generation=gen2}"];

        GC.Collect(2);

        var samples = Exposition.Samples(_registry);
        samples["dotnet_gc_collections_total{generation=gen2}"].ShouldBeGreaterThan(before);
        samples["dotnet_gc_heap_bytes"].ShouldBeGreaterThan(0);
        samples["dotnet_gc_allocated_bytes_total"].ShouldBeGreaterThan(0);
        samples["dotnet_threadpool_threads"].ShouldBeGreaterThan(0);
    }
}
