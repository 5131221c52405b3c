using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests.Proofs;

/// <summary>One end of a connection that proves nothing: what it shows, and how it shakes hands. Immutable.</summary>
internal sealed record BadPeer
{
    /// <summary>What it shows; null: nothing.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>What it sends along.</summary>
    public X509Certificate2Collection Chain { get; init; } = [];

    public SslProtocols Version { get; init; } = SslProtocols.Tls13;

    public List<SslApplicationProtocol> Alpn { get; init; } = [MeshTls.Http];

    /// <summary>Ends after the first bytes of its part of the handshake.</summary>
    public bool Truncates { get; init; }

    /// <summary>Speaks HTTP without TLS.</summary>
    public bool Plain { get; init; }

    /// <summary>One with that fault, but for it as good as <paramref name="good"/>, signed by the mesh's own authority.</summary>
    /// <param name="fault">Of the table.</param>
    /// <param name="authority">The mesh's.</param>
    /// <param name="good">What a good peer would show.</param>
    /// <param name="role">What it is in the handshake; a certificate "for the other role" is for the other.</param>
    public static BadPeer With(string fault, TestAuthority authority, TestLeaf good, PeerRole role)
    {
        BadPeer Leaf(TestLeaf leaf) => new() { Certificate = authority.Issue(leaf) };
        BadPeer Below(X509KeyUsageFlags usage, bool isAuthority)
        {
            var intermediate = authority.Intermediate("CN=would-be authority", usage, isAuthority);
            return new() { Certificate = intermediate.Issue(good), Chain = [intermediate.Public] };
        }

        var time = TimeProvider.System;
        return fault switch
        {
            "no certificate" => new(),
            "no SAN" => Leaf(good with { Uris = [], DnsNames = [], Addresses = [] }),
            "a DNS name alone" => Leaf(good with { Uris = [], DnsNames = ["orders.shop"] }),
            "two SANs" => Leaf(good with { Uris = [.. good.Uris, "spiffe://cluster.local/ns/shop/sa/other"] }),
            "a SAN of another form" => Leaf(good with { Uris = ["spiffe://cluster.local/orders"] }),
            "wrong SAN" => Leaf(good with { Uris = ["spiffe://cluster.local/ns/shop/sa/other"] }),
            "expired" => Leaf(good with { From = TimeSpan.FromHours(-2) }),
            "not yet valid" => Leaf(good with { From = TimeSpan.FromHours(1) }),
            "another trust domain" => Leaf(good with { Uris = ["spiffe://elsewhere/ns/shop/sa/orders"] }),
            "another CA" => new() { Certificate = new TestAuthority(time).Issue(good) },
            "another CA of the same name" => new() { Certificate = new TestAuthority(time, authority.Public.Subject).Issue(good) },
            "signed by itself" => new() { Certificate = TestAuthority.SelfSigned(good, time) },
            "a CA's" => Leaf(good with { IsAuthority = true }),
            "may sign certificates" => Leaf(good with { KeyUsage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign }),
            "for the other role" => Leaf(good with { Usages = [TestLeaf.BothUsages[role == PeerRole.Client ? 0 : 1]] }),
            "for neither role" => Leaf(good with { Usages = ["1.3.6.1.5.5.7.3.3"] }),
            "signed by a CA that may not sign" => Below(X509KeyUsageFlags.CrlSign, isAuthority: true),
            "signed by a workload" => Below(X509KeyUsageFlags.DigitalSignature, isAuthority: false),
            "TLS 1.2" => Leaf(good) with { Version = SslProtocols.Tls12 },
            "ALPN h2" => Leaf(good) with { Alpn = [SslApplicationProtocol.Http2] },
            "ALPN http/1.1" => Leaf(good) with { Alpn = [SslApplicationProtocol.Http11] },
            "ALPN meshlite-tcp/1" => Leaf(good) with { Alpn = [MeshTls.Tcp] },
            "no ALPN" => Leaf(good) with { Alpn = [] },
            "truncated handshake" => Leaf(good) with { Truncates = true },
            "plaintext" => Leaf(good) with { Plain = true },
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
    }

    /// <summary>Connects as a client; whether the server ever said a word of what is inside.</summary>
    public async Task<bool> CallAsync(IPEndPoint server)
    {
        if (Plain)
        {
            using var wire = await Wire.OpenAsync(server);
            await wire.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
            return (await wire.ReadMessageAsync()) is { Status: 200 };
        }

        if (Truncates)
        {
            using var wire = await Wire.OpenAsync(server);
            await wire.SendAsync(await TlsPeer.ClientHelloAsync(Certificate!, Alpn[0]));
            await wire.ReadAsync(10);
            wire.Reset();
            return false;
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, patience.Token);
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "peer.meshlite",
                    EnabledSslProtocols = Version,
                    ApplicationProtocols = Alpn,
                    ClientCertificateContext = Context(),
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                patience.Token);
            await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0"u8.ToArray(), patience.Token);
            return await tls.ReadAsync(new byte[1], patience.Token) > 0;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return false;
        }
    }

    /// <summary>Listens as a server; nothing of what comes inside is answered.</summary>
    public TcpApp Serve() => new(async (socket, cancellation) =>
    {
        if (Plain || Truncates)
        {
            await socket.ReceiveAsync(new byte[16 * 1024], cancellation);
            if (Plain)
            {
                await socket.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), cancellation);
            }

            return;
        }

        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = Context(),
                    ApplicationProtocols = Alpn,
                    EnabledSslProtocols = Version,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                cancellation);
            while (await tls.ReadAsync(new byte[100], cancellation) > 0)
            {
                // Whatever it asks.
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // Refused, as it should be.
        }
    });

    private SslStreamCertificateContext? Context() => Certificate is null ? null : SslStreamCertificateContext.Create(Certificate, Chain, offline: true);
}
