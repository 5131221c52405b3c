using System.Net;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The far side of a TCP connection of the application: mTLS to an endpoint of a service, plain TCP to one that has no sidecar, and to what is not in the
/// mesh. Failures are values. One per program; thread-safe.
/// </summary>
internal sealed class TunnelConnector(MeshState mesh, EndpointConnector connector, Passthrough passthrough, EgressRules egress)
{
    /// <summary>By name, <c>HOST:PORT</c>.</summary>
    public async ValueTask<TunnelServer> ToNameAsync(string authority)
    {
        var destination = await mesh.ResolveAsync(authority, CancellationToken.None);
        switch (destination?.Kind)
        {
            case null or DestinationKind.Unknown:
                return new TunnelServer(new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh, $"No service of the mesh is known as '{authority}'."));
            case DestinationKind.NotInMesh when AuthorityNormalizer.TryNormalize(authority, out var key) && key.Port != 0:
                return await ToOutsideAsync(key.Host.Trim("[]").ToString(), key.Port);
            case DestinationKind.NotInMesh:
                return new TunnelServer(new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, $"'{authority}' is not HOST:PORT."));
            default:
                return await ToMeshAsync(destination);
        }
    }

    /// <summary>To a host outside the mesh, whatever the mesh may know by its name.</summary>
    public ValueTask<TunnelServer> ToOutsideAsync(string host, int port) => ToOutsideAsync(new DnsEndPoint(host, port), () => egress.Check(host));

    /// <summary>To an address outside the mesh.</summary>
    public ValueTask<TunnelServer> ToOutsideAsync(IPEndPoint address) => ToOutsideAsync(address, () => egress.Check(address.Address));

    private async ValueTask<TunnelServer> ToOutsideAsync(EndPoint address, Func<ProxyError?> mayLeave)
    {
        if (mayLeave() is { } denied)
        {
            return new TunnelServer(denied);
        }

        try
        {
            return new TunnelServer(await passthrough.ConnectAsync(address, CancellationToken.None)) { MayLeave = mayLeave };
        }
        catch (ConnectException e)
        {
            return new TunnelServer(ForwardErrors.FromSend(e));
        }
    }

    /// <summary>To a service. A connection that could not be made has delivered nothing: the next endpoint is tried at once.</summary>
    public async ValueTask<TunnelServer> ToMeshAsync(DestinationModel destination)
    {
        if (Router.RouteTcp(destination) is not { } backend)
        {
            return new TunnelServer(new ProxyError(ErrorReason.NoRoute, ErrorSource.Mesh, $"'{destination.Service}' has no route for TCP.")) { Destination = destination };
        }

        ProxyError? error = null;
        EndpointState? endpoint = null;
        var tried = default(ExcludedEndpoints);
        for (var attempt = 0; attempt <= RetryPolicy.UndeliveredRetries; attempt++)
        {
            var (picked, isProbe) = backend.Pick(in tried, key: null);
            if (picked is null)
            {
                error ??= new ProxyError(ErrorReason.NoHealthyEndpoint, ErrorSource.Upstream, $"'{backend.Name}' has no ready endpoint.");
                break;
            }

            endpoint = picked;
            var outcome = AttemptOutcome.Neutral;
            try
            {
                var config = endpoint.Config;
                var timeout = backend.Config.Policy.ConnectTimeout;
                Stream stream = config.Identity is { } identity
                    ? await connector.ConnectMeshAsync(config.Address, identity, MeshTls.Tcp, timeout, CancellationToken.None)
                    : await connector.ConnectPlainAsync(config.Address, timeout, CancellationToken.None);
                outcome = AttemptOutcome.Success;
                return new TunnelServer(stream) { Destination = destination, Endpoint = endpoint };
            }
            catch (ConnectException e)
            {
                outcome = AttemptOutcome.Failure;
                error = ForwardErrors.FromSend(e);
                tried.Add(endpoint);
            }
            finally
            {
                backend.Pool.State.Ejector.Record(endpoint.Health, outcome, isProbe);
            }
        }

        return new TunnelServer(error!) { Destination = destination, Endpoint = endpoint };
    }
}

/// <summary>A stream to the far side, or why there is none.</summary>
internal readonly record struct TunnelServer(Stream? Stream, ProxyError? Error)
{
    /// <summary>Connected.</summary>
    public TunnelServer(Stream stream)
        : this(stream, null)
    {
    }

    /// <summary>Failed.</summary>
    public TunnelServer(ProxyError error)
        : this(null, error)
    {
    }

    /// <summary>The service; null: not in the mesh, or not known.</summary>
    public DestinationModel? Destination { get; init; }

    /// <summary>Of what is not in the mesh: why it may not be called any more, when the mesh's settings have changed.</summary>
    public Func<ProxyError?>? MayLeave { get; init; }

    /// <summary>The endpoint tried last.</summary>
    public EndpointState? Endpoint { get; init; }
}
