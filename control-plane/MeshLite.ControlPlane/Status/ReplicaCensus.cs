using System.Net;
using System.Net.Http;
using System.Net.Security;
using Google.Protobuf;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Index;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Asks every other replica how far roots and issuer have come among its sidecars: once a call, over a connection of its own, since it happens only while an
/// authority changes. Which replicas there are, the slices of the control plane's Service say. Thread-safe: keeps nothing.
/// </summary>
internal sealed class ReplicaCensus(string ns, string ownId, Func<SslClientAuthenticationOptions> tls, TimeProvider time)
{
    /// <value>Who does not answer within this is not heard. 3 s.</value>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>All others together. One that terminates and does not answer has ended, and its sidecars are elsewhere.</summary>
    public async Task<AuthorityProgress> CountAsync(IndexView view, string bundleId, ReadOnlyMemory<byte> issuerKey, CancellationToken cancellationToken)
    {
        var request = new AuthorityRequest { BundleId = bundleId, IssuerKeyId = ByteString.CopyFrom(issuerKey.Span) };
        var answers = await Task.WhenAll(ReplicaPeers.EndpointsOf(view, ns).Select(peer => AskAsync(peer.Key, peer.Value, request, cancellationToken)));
        return answers.Aggregate(new AuthorityProgress(), (all, one) => all.With(one));
    }

    private async Task<AuthorityProgress> AskAsync(IPEndPoint address, bool isTerminating, AuthorityRequest request, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = tls(), ConnectTimeout = Timeout, UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
        };
        using var invoker = new HttpMessageInvoker(handler);
        try
        {
            var channel = new GrpcChannel(new Uri($"https://{address}"), invoker, new GrpcChannelOptions(), time);
            var tally = await channel.UnaryAsync(MeshMethods.ReplicaAuthority, request, new GrpcCallOptions { Timeout = Timeout }, cancellationToken);
            return tally.Replica == ownId
                ? new AuthorityProgress()
                : new AuthorityProgress
                {
                    Sidecars = (int)tally.Sidecars, WithRoots = (int)tally.WithRoots, WithIssuer = (int)tally.WithIssuer,
                    WithoutRoots = [.. tally.WithoutRoots.Take(AuthorityProgress.MaxNames)], WithoutIssuer = [.. tally.WithoutIssuer.Take(AuthorityProgress.MaxNames)],
                };
        }
        catch (Exception problem) when (problem is GrpcException or HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            return isTerminating ? new AuthorityProgress() : new AuthorityProgress { Unheard = [$"{address} ({problem.Message})"] };
        }
    }
}
