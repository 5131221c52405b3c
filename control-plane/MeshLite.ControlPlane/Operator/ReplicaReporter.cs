using System.Reflection;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Operator;

/// <summary>Says what this replica knows of itself and of the sidecars connected to it. Thread-safe; keeps nothing.</summary>
/// <param name="id">Of this process.</param>
/// <param name="sidecars">Those connected.</param>
/// <param name="refused">What of the configuration could not be read and is not in the index.</param>
/// <param name="index">Names callers, and knows what has no effect.</param>
/// <param name="identity">Has the certificates.</param>
/// <param name="time">Our clock.</param>
internal sealed class ReplicaReporter(
    string id, ConnectedSidecars sidecars, Func<IEnumerable<ResourceError>> refused, MeshIndex index, IdentityModule identity, TimeProvider time)
{
    /// <value>Sidecars in a message: with 32 callers of 150 bytes each they stay below what a message may hold.</value>
    private const int Chunk = 200;

    /// <value>Problems told; beyond, their number.</value>
    private const int MaxProblems = 100;

    private static readonly string Version = typeof(ReplicaReporter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The report, in messages.</summary>
    public IEnumerable<ReplicaReport> Report(ReportRequest request)
    {
        yield return new ReplicaReport { Replica = id, State = State(request.Problems) };
        if (request.Sidecars)
        {
            var view = index.View;
            var wanted = sidecars.All.Where(s => request.Namespace.Length == 0 || s.Identity.Namespace == request.Namespace);
            foreach (var chunk in wanted.Chunk(Chunk))
            {
                yield return new ReplicaReport { Replica = id, Sidecars = new Sidecars { Sidecars_ = { chunk.Select(s => ToProto(s, view, request.PlaintextCallers)) } } };
            }
        }
    }

    private ReplicaState State(bool problems)
    {
        var state = new ReplicaState
        {
            Version = Version, Clock = time.GetUtcNow().ToUnixTimeMilliseconds(), TokenKeyMadeAt = identity.TokenKeyMadeAt?.ToUnixTimeSeconds() ?? 0,
        };
        state.Expiring.AddRange(identity.Certificates().Select(c => new Expiring
        {
            Kind = (Expiring.Types.Kind)c.Kind, Name = c.Name, BeginsAt = c.BeginsAt.ToUnixTimeSeconds(), EndsAt = c.EndsAt.ToUnixTimeSeconds(),
        }));
        if (problems)
        {
            var all = Problems(index.View).ToList();
            state.Problems.AddRange(all.Take(MaxProblems));
            state.FurtherProblems = (uint)(all.Count - state.Problems.Count);
        }

        return state;
    }

    private IEnumerable<ConfigProblem> Problems(IndexView view) =>
        refused().Select(e => new ConfigProblem { Resource = e.Document.Length > 0 ? $"{e.Document} ({e.File}:{e.Line})" : $"{e.File}:{e.Line}", Condition = "Invalid", Message = Sentence(e) })
            .Concat(view.Refusals.OrderBy(r => r.Key.ToString(), StringComparer.Ordinal)
                .SelectMany(r => r.Value.Errors.Select(e => new ConfigProblem { Resource = r.Key.ToString(), Condition = "Invalid", Message = Sentence(e) })))
            .Concat(Diagnostics.Find(view).Select(p => new ConfigProblem { Resource = p.Key.ToString(), Condition = p.Condition, Message = p.Message }));

    private static string Sentence(ResourceError error) => error.Field.Length > 0 ? $"{error.Field}: {error.Message}" : error.Message;

    private static SidecarState ToProto(ConnectedSidecar sidecar, IndexView view, bool callers)
    {
        var workload = sidecar.OwnResource();
        var state = new SidecarState
        {
            SpiffeId = sidecar.Identity.ToString(), Workload = sidecar.Workload, Version = sidecar.Version,
            Service = workload.Service is { } service ? $"{service.Namespace}/{service.Name}" : "",
            Mtls = workload.Mtls == MtlsMode.Strict ? "Strict" : "Permissive",
            CertificateBeginsAt = sidecar.CertificateBeginsAt.ToUnixTimeSeconds(), CertificateEndsAt = sidecar.CertificateEndsAt.ToUnixTimeSeconds(),
            ConnectedAt = sidecar.ConnectedAt.ToUnixTimeSeconds(), Current = sidecar.IsCurrent, Refused = { sidecar.Refused },
        };
        if (sidecar.Stats is { } stats)
        {
            (state.Reported, state.ClockOffset, state.CountingSince) = (true, stats.ClockOffset, stats.CountingSince);
            state.Plaintext.AddRange(callers ? stats.Callers.Select(c => CallerNames.Describe(view, c)) : []);
        }

        return state;
    }
}
