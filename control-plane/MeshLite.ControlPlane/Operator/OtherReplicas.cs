using System.Net;
using System.Net.Http;
using System.Net.Security;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Status;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Operator;

/// <summary>
/// Asks the other replicas, those of the control plane's own Service, at the moment somebody wants to know: a connection each, no longer than the answer takes.
/// One that does not answer is in the answer by its address. Thread-safe; keeps nothing.
/// </summary>
/// <param name="ns">The control plane's own.</param>
/// <param name="ownId">Of this process: one of the addresses is our own.</param>
/// <param name="index">Knows the addresses.</param>
/// <param name="tls">TLS of a connection that begins now.</param>
/// <param name="time">Clock of all limits.</param>
internal sealed class OtherReplicas(string ns, string ownId, MeshIndex index, Func<SslClientAuthenticationOptions> tls, TimeProvider time)
{
    /// <value>For connection and whole answer of one; all are asked at once. 5 s.</value>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What each of them reports.</summary>
    public async Task<IReadOnlyList<ReplicaReport>> AskAsync(ReportRequest request, CancellationToken cancellationToken)
    {
        // The configuration is the same for all: the one that was asked says what is wrong with it.
        var question = request.Clone();
        question.Problems = false;
        var answers = ReplicaPeers.EndpointsOf(index.View, ns).Where(e => !e.Value).Select(e => AskAsync(e.Key, question, cancellationToken));
        return [.. (await Task.WhenAll(answers)).SelectMany(reports => reports)];
    }

    private async Task<IReadOnlyList<ReplicaReport>> AskAsync(IPEndPoint address, ReportRequest question, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = tls(), ConnectTimeout = Patience, UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
        };
        using var invoker = new HttpMessageInvoker(handler);
        var channel = new GrpcChannel(new Uri($"https://{address}"), invoker, new GrpcChannelOptions(), time);
        try
        {
            using var call = channel.ServerStreaming(MeshMethods.ReplicaReport, question, new GrpcCallOptions { Timeout = Patience }, cancellationToken);
            List<ReplicaReport> reports = [];
            while (await call.ReadAsync(cancellationToken) is { } report)
            {
                if (report.Replica == ownId)
                {
                    return [];
                }

                reports.Add(report);
            }

            return reports;
        }
        catch (Exception problem) when (problem is GrpcException or HttpRequestException or IOException)
        {
            return [new ReplicaReport { Replica = address.ToString(), Unheard = new Unheard { Problem = problem.Message } }];
        }
    }
}
