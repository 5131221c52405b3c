using System.Collections.Concurrent;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using MeshLite.ControlPlane.Resources;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Follows the tallies of one other replica, for as long as it runs; what breaks is tried again. One task runs it; what it knows is for anyone.
/// </summary>
/// <param name="address">Where the replica's gRPC port is.</param>
/// <param name="ownId">Of this process: an address may turn out to be our own.</param>
/// <param name="tls">TLS of a connection that begins now.</param>
/// <param name="changed">Is told what has another tally; null: everything. From the link's task; must return at once.</param>
/// <param name="time">Clock of all waits.</param>
/// <param name="logger">Log.</param>
internal sealed class ReplicaLink(
    IPEndPoint address, string ownId, Func<SslClientAuthenticationOptions> tls, Action<ResourceKey?> changed, TimeProvider time, ILogger logger)
{
    /// <value>After a failure. 1 s.</value>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <value>From the first try, or the loss of a connection, on. 3 s.</value>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    /// <value>Without a word of a replica that hangs, or a way to it that is broken. 3 s, then 3 s for the answer.</value>
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<ResourceKey, ResourceTally> _tallies = new();
    private long _unheardSince = time.GetTimestamp();
    private volatile bool _isHeard;
    private volatile bool _isSelf;

    /// <summary>Whether it has said everything once, and can be heard now.</summary>
    public bool IsHeard => _isHeard;

    /// <summary>Not heard, but for no longer than connecting takes: too early to say so.</summary>
    public bool IsUndecided => !_isHeard && time.GetElapsedTime(Volatile.Read(ref _unheardSince)) < Grace;

    /// <summary>Whether it turned out to be us.</summary>
    public bool IsSelf => _isSelf;

    /// <summary>What it said last of a resource; null: nothing.</summary>
    public ResourceTally? Find(ResourceKey key) => _tallies.GetValueOrDefault(key);

    /// <summary>Runs until it is cancelled, or finds us.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!_isSelf)
        {
            var isAgain = false;
            try
            {
                await FollowAsync(cancellationToken);
                isAgain = true;
            }
            catch (Exception problem) when (problem is GrpcException or HttpRequestException or IOException)
            {
                StatusLog.ReplicaLost(logger, address, problem.Message);
            }
            finally
            {
                if (_isHeard)
                {
                    Volatile.Write(ref _unheardSince, time.GetTimestamp());
                }

                _isHeard = false;
                changed(null);
            }

            if (!isAgain)
            {
                await Task.Delay(RetryInterval, time, cancellationToken);
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = tls(), ConnectTimeout = TimeSpan.FromSeconds(5), KeepAlivePingDelay = PingInterval, KeepAlivePingTimeout = PingInterval,
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
        };
        using var invoker = new HttpMessageInvoker(handler);
        var channel = new GrpcChannel(new Uri($"https://{address}"), invoker, new GrpcChannelOptions(), time);
        using var call = channel.ServerStreaming(MeshMethods.ReplicaTallies, new TalliesRequest { Replica = ownId }, cancellationToken: cancellationToken);
        _tallies.Clear();
        while (await call.ReadAsync(cancellationToken) is { } message)
        {
            if (message.Replica == ownId)
            {
                _isSelf = true;
                return;
            }

            foreach (var tally in message.Tallies.Select(ReplicaService.FromProto).OfType<ResourceTally>())
            {
                _tallies[tally.Key] = tally;
                changed(tally.Key);
            }

            if (message.Complete)
            {
                StatusLog.ReplicaHeard(logger, address, message.Replica);
                _isHeard = true;
                changed(null);
            }
        }
    }
}
