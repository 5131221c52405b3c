using BenchmarkDotNet.Attributes;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;

namespace MeshLite.Benchmarks;

/// <summary>What each request pays that meets no trouble, mechanism by mechanism, at the defaults of a Service without policy.</summary>
public class ResilienceBenchmarks
{
    private static readonly TimeSpan Left = TimeSpan.FromMilliseconds(14_873.2);

    private BenchMesh _mesh = null!;
    private RequestState _state = null!;

    [GlobalSetup]
    public void Setup()
    {
        _mesh = new BenchMesh(2);
        _state = _mesh.Routed();
    }

    [Benchmark]
    public bool Admission_EnterLeave()
    {
        var entered = Admission.EnterAsync(_state, CancellationToken.None).IsCompletedSuccessfully;
        Admission.Leave(_state);
        return entered;
    }

    [Benchmark]
    public void RetryBudget_Deposit() => _mesh.Pool.State.Budget.Deposit();

    [Benchmark]
    public void Ejector_RecordSuccess() => _mesh.Pool.State.Ejector.Record(_mesh.Pool.Endpoints[1].Health, AttemptOutcome.Success, wasProbe: false);

    [Benchmark]
    public void Load_BeginEnd()
    {
        var load = _mesh.Pool.Endpoints[1].Load;
        load.End(load.Begin());
    }

    [Benchmark]
    public object? Deadline_Begin() => RequestDeadline.Begin(_state, TimeSpan.FromSeconds(15));

    [Benchmark]
    public string Deadline_FormatHeader() => TimeoutHeader.Format(Left);
}
