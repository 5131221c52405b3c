using MeshLite.ControlPlane.Identity;
using MeshLite.Protocol.Pki;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>
/// The middlewares around TLS of the gRPC listener: who has shown a certificate goes over into the budget of those, and a handshake that came to nothing is
/// named and counted, since Kestrel keeps the reason to itself. Thread-safe.
/// </summary>
internal sealed class GrpcHandshakes(PortGate gate, ReasonCounter refused)
{
    /// <summary>Before TLS.</summary>
    public ConnectionDelegate Count(ConnectionDelegate next) => async connection =>
    {
        await next(connection);
        if (connection.Features.Get<GatedConnection>() is { HasShakenHands: false, WasRefused: false } && connection.Features.Get<RefusedCertificate>() is null)
        {
            // No common version or protocol, an alert, bytes that are no TLS, silence: whichever, nobody was there.
            refused.Increment("tls");
            gate.Log(connection, "TLS handshake: none came about");
        }
    };

    /// <summary>After TLS. The caller's certificate ends with the connection.</summary>
    public static ConnectionDelegate Done(ConnectionDelegate next) => async connection =>
    {
        var gated = connection.Features.Get<GatedConnection>()!;
        gated.HasShakenHands = true;
        var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        try
        {
            if (connection.Features.Get<Caller>() is null || gated.Prove())
            {
                await next(connection);
            }
        }
        finally
        {
            // OpenSSL's part of it is no burden to the collector, which would leave it for minutes: kilobytes for each pod of a rolling restart.
            certificate?.Dispose();
        }
    };
}
