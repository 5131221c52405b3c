using MeshLite.Bench.Load;
using MeshLite.Bench.Load.OpenLoop;
using MeshLite.Bench.Pairs;

namespace MeshLite.Bench.Cases;

/// <summary>Which load generator serves a case, of those this machine has.</summary>
internal sealed class LoadGenerators(BenchEnvironment environment, TimeProvider time)
{
    private readonly H2Load _grpc = new(environment.Launcher, environment.Directory);

    /// <summary>Null: it needs a program that is missing, <paramref name="reason"/> says which.</summary>
    public ILoadGenerator? For(BenchCase @case, out string reason)
    {
        reason = @case.Protocol == LoadProtocol.Grpc && !BenchEnvironment.HasProgram("h2load") ? "h2load is not installed" : "";
        return reason.Length > 0 ? null : @case switch
        {
            { Protocol: LoadProtocol.Grpc } => _grpc,
            { Shape: LoadShape.OpenLoop } => new OpenLoopLoad(@case.Rate, time),
            _ => Closed(@case.Shape == LoadShape.NewConnections),
        };
    }

    /// <summary>HTTP/1.1, as fast as it is answered.</summary>
    public ILoadGenerator Closed(bool closesConnections) => BenchEnvironment.HasProgram("wrk")
        ? new WrkLoad(environment.Launcher, closesConnections)
        : new HttpClientLoad(time, closesConnections);
}
