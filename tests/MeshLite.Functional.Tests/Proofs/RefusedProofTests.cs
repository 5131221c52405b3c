using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshLite.ControlPlane;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Proofs;

/// <summary>
/// The table of what proves nothing: certificates, handshakes, tokens and signing requests, at every door where proof is asked for. Each row is refused, named in the log
/// and counted once (outbound: once an attempt), with the same word.
/// </summary>
public sealed class RefusedProofTests(ProofMesh mesh) : IClassFixture<ProofMesh>
{
    private const string Orders = "spiffe://cluster.local/ns/shop/sa/orders";

    private static readonly (string Fault, string Reason)[] Certificates =
    [
        ("no SAN", "no_spiffe_id"),
        ("a DNS name alone", "no_spiffe_id"),
        ("two SANs", "no_spiffe_id"),
        ("a SAN of another form", "no_spiffe_id"),
        ("expired", "expired"),
        ("not yet valid", "not_yet_valid"),
        ("another trust domain", "wrong_trust_domain"),
        ("another CA", "unknown_authority"),
        ("another CA of the same name", "unknown_authority"),
        ("signed by itself", "unknown_authority"),
        ("a CA's", "invalid_certificate"),
        ("may sign certificates", "invalid_certificate"),
        ("signed by a CA that may not sign", "invalid_certificate"),
        ("signed by a workload", "invalid_certificate"),
        ("for the other role", "wrong_usage"),
        ("for neither role", "wrong_usage"),
    ];

    public static TheoryData<string, string> ToSidecar => [.. Rows(("no certificate", "no_certificate"), ("TLS 1.2", "tls"), ("truncated handshake", "tls"))];

    public static TheoryData<string, string> OfServer => [.. Rows(("wrong SAN", "server_not_expected"), ("TLS 1.2", "tls"), ("no ALPN", "no_mesh_alpn"), ("ALPN h2", "tls"), ("ALPN meshlite-tcp/1", "tls"), ("truncated handshake", "aborted"), ("plaintext", "tls"))];

    public static TheoryData<string, string> ToControlPlane => [.. Rows(("TLS 1.2", "tls"), ("ALPN http/1.1", "tls"), ("truncated handshake", "tls"))];

    [Theory]
    [MemberData(nameof(ToSidecar))]
    public async Task Sidecar_Caller_IsNotServed(string fault, string reason)
    {
        var peer = BadPeer.With(fault, mesh.Authority, TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend"), PeerRole.Client);
        var (counted, logged, received) = (await InboundAsync(reason), mesh.ServerLogs.Lines.Count, mesh.Received);

        (await peer.CallAsync(mesh.Server.InboundAddress)).ShouldBeFalse();

        await Eventually.TrueAsync(async () => await InboundAsync(reason) == counted + 1, $"{reason} is counted");
        await LoggedAsync(mesh.ServerLogs, logged, line => line.StartsWith("ConnectionRefused: inbound: ", StringComparison.Ordinal) && line.Contains($"TLS handshake: {reason}", StringComparison.Ordinal));
        mesh.Received.ShouldBe(received);
    }

    /// <summary>What is not the mesh's own TLS is the application's, or plaintext: Strict takes neither.</summary>
    [Theory]
    [InlineData("ALPN h2")]
    [InlineData("ALPN http/1.1")]
    [InlineData("no ALPN")]
    public async Task Sidecar_CallerThatSpeaksNotTheMeshsTls_IsNotServed(string fault)
    {
        var peer = BadPeer.With(fault, mesh.Authority, TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend"), PeerRole.Client);
        var (counted, logged, received) = (await DeniedAsync(), mesh.ServerLogs.Lines.Count, mesh.Received);

        (await peer.CallAsync(mesh.Server.InboundAddress)).ShouldBeFalse();

        await Eventually.TrueAsync(async () => await DeniedAsync() == counted + 1, "it is counted");
        await LoggedAsync(mesh.ServerLogs, logged, line => line.StartsWith("ConnectionRefused: inbound: ", StringComparison.Ordinal) && line.Contains("accepts only mTLS", StringComparison.Ordinal));
        mesh.Received.ShouldBe(received);

        async Task<double> DeniedAsync() => (await Scrape.OfAsync(mesh.Server)).Sum("meshlite_connections_refused_total", ("listener", "inbound"), ("reason", "denied"));
    }

    [Fact]
    public async Task Sidecar_CallerInPlaintext_IsDenied()
    {
        var (counted, received) = (await DeniedAsync(), mesh.Received);

        (await new BadPeer { Plain = true }.CallAsync(mesh.Server.InboundAddress)).ShouldBeFalse();

        await Eventually.TrueAsync(async () => await DeniedAsync() == counted + 1, "it is counted");
        mesh.Received.ShouldBe(received);

        async Task<double> DeniedAsync() => (await Scrape.OfAsync(mesh.Server)).Sum("meshlite_requests_total", ("direction", "inbound"), ("reason", "denied"), ("tls", "false"));
    }

    [Theory]
    [MemberData(nameof(OfServer))]
    public async Task Sidecar_Server_IsNotCalled(string fault, string reason)
    {
        await using var server = BadPeer.With(fault, mesh.Authority, TestLeaf.For(Orders), PeerRole.Server).Serve();
        var service = mesh.ServiceAt(server.Port);
        var (counted, logged) = (await CountAsync(), mesh.ClientLogs.Lines.Count);
        using var http = MeshFixture.Client(mesh.Client);

        using var response = await http.GetAsync(new Uri($"http://{service}/"));

        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        response.Headers.GetValues("meshlite-error").ShouldBe(["tls_failure"]);
        (await response.Content.ReadAsStringAsync()).ShouldContain(Sentence(reason) ?? (reason == "no_mesh_alpn" ? "not a mesh sidecar" : "TLS with"));
        (await CountAsync()).ShouldBe(counted + 3, "each attempt is a handshake");
        mesh.ClientLogs.Lines.Skip(logged).Count(line => line.StartsWith("HandshakeFailed: ", StringComparison.Ordinal) && line.TrimEnd().EndsWith($": {reason}", StringComparison.Ordinal)).ShouldBe(3);

        async Task<double> CountAsync() => (await Scrape.OfAsync(mesh.Client)).Sum("meshlite_handshakes_total", ("direction", "outbound"), ("result", reason));
    }

    [Theory]
    [MemberData(nameof(ToControlPlane))]
    public async Task ControlPlane_Caller_IsNotServed(string fault, string reason)
    {
        var peer = BadPeer.With(fault, mesh.PlaneAuthority, TestLeaf.For(Orders), PeerRole.Client);
        peer = peer.Alpn is [var own] && own == MeshTls.Http ? peer with { Alpn = [System.Net.Security.SslApplicationProtocol.Http2] } : peer;
        var (counted, logged) = (await CountAsync(), mesh.PlaneLogs.Lines.Count);

        (await peer.CallAsync(mesh.Plane.GrpcEndPoint)).ShouldBeFalse();

        await Eventually.TrueAsync(async () => await CountAsync() == counted + 1, $"{reason} is counted");
        var (begin, says) = Sentence(reason) is { } sentence ? ("ClientCertificateRefused: ", sentence) : ("ConnectionRefused: grpc: ", "TLS handshake");
        await LoggedAsync(mesh.PlaneLogs, logged, line => line.StartsWith(begin, StringComparison.Ordinal) && line.Contains(says, StringComparison.Ordinal));

        async Task<double> CountAsync() => (await Scrape.OfAsync(mesh.Plane.TelemetryEndPoint)).Sum("meshlite_handshakes_refused_total", ("reason", reason));
    }

    [Fact]
    public async Task ControlPlane_StreamWithoutCertificate_IsRefused()
    {
        var (counted, logged) = (await CountAsync(), mesh.PlaneLogs.Lines.Count);

        (await ProofMesh.StreamAsync(mesh.Plane, show: null)).Code.ShouldBe(GrpcStatusCode.Unauthenticated);

        (await CountAsync()).ShouldBe(counted + 1);
        await LoggedAsync(mesh.PlaneLogs, logged, line => line.StartsWith("StreamRefused: ", StringComparison.Ordinal) && line.Contains("no valid certificate", StringComparison.Ordinal));

        async Task<double> CountAsync() => (await Scrape.OfAsync(mesh.Plane.TelemetryEndPoint)).Sum(
            "meshlite_grpc_calls_failed_total", ("method", "/meshlite.v1.Configuration/Stream"), ("status", "Unauthenticated"));
    }

    [Theory]
    [InlineData("no token", "no_credentials")]
    [InlineData("no JWT", "token_malformed")]
    [InlineData("expired", "token_expired")]
    [InlineData("not yet valid", "token_not_yet_valid")]
    [InlineData("another key", "token_signature")]
    [InlineData("another audience", "token_audience")]
    [InlineData("alg none", "token_algorithm")]
    [InlineData("no service account's", "token_subject")]
    [InlineData("the control plane's own", "reserved_identity")]
    [InlineData("request signed by another key", "bad_request")]
    [InlineData("request of an RSA key", "bad_request")]
    [InlineData("no request", "bad_request")]
    public async Task Certify_OnOneMachine_IsRefused(string fault, string reason)
    {
        using var key = JoinTokenKey.LoadOrCreate(mesh.PlaneData);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token = fault switch
        {
            "no token" => null,
            "no JWT" => "garbage",
            "expired" => Sign(key, expires: -1),
            "not yet valid" => Sign(key, begins: 600),
            "another key" => Sign(other),
            "another audience" => Sign(key, audience: "kube-apiserver"),
            "alg none" => Sign(key, algorithm: "none"),
            "no service account's" => Sign(key, subject: "admin"),
            "the control plane's own" => Sign(key, subject: "system:serviceaccount:meshlite-system:meshlite-control-plane"),
            _ => Sign(key),
        };

        await ShouldBeRefusedAsync(mesh.Plane, mesh.PlaneLogs, Request(fault), token, show: null, reason);
    }

    /// <summary>What is stolen, and shown at a control plane of a cluster; <c>shop/orders</c> is who the thief would be, or is.</summary>
    [Theory]
    [InlineData("no JWT", "token_refused")]
    [InlineData("expired", "token_refused")]
    [InlineData("of a pod that is gone", "token_refused")]
    [InlineData("another audience", "token_refused")]
    [InlineData("the certificate, without token", "renewal_without_token")]
    [InlineData("the certificate, with a token that has expired", "token_refused")]
    [InlineData("the certificate, with a token of another namespace", "token_of_another")]
    [InlineData("the certificate, with a token of another service account", "token_of_another")]
    public async Task Certify_InACluster_IsRefused(string fault, string reason)
    {
        var good = mesh.Api.IssueToken("shop", "orders", JoinToken.Audience);
        using var certificate = await CertifyAsync(mesh.Cluster, good);
        var token = fault switch
        {
            "no JWT" => "garbage",
            "another audience" => mesh.Api.IssueToken("shop", "orders", "vault"),
            "the certificate, without token" => null,
            "the certificate, with a token of another namespace" => mesh.Api.IssueToken("bank", "orders", JoinToken.Audience),
            "the certificate, with a token of another service account" => mesh.Api.IssueToken("shop", "payments", JoinToken.Audience),
            "of a pod that is gone" => good,
            _ => mesh.Api.IssueToken("shop", "orders", JoinToken.Audience, TimeSpan.Zero),
        };
        if (fault == "of a pod that is gone")
        {
            mesh.Api.RevokeToken(good);
        }

        await ShouldBeRefusedAsync(mesh.Cluster, mesh.ClusterLogs, Request(""), token, fault.StartsWith("the certificate", StringComparison.Ordinal) ? certificate : null, reason);
    }

    /// <summary>A signing request proves that its maker has the key, not who shows it: whoever replays another's gets a certificate in his own name, of a key he has not.</summary>
    [Fact]
    public async Task Certify_RequestOfAnother_IsOfNoUse()
    {
        using var victim = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var tokens = JoinTokenKey.LoadOrCreate(mesh.PlaneData);
        var overheard = new CertificateRequest("", victim, HashAlgorithmName.SHA256).CreateSigningRequest();

        var response = await ProofMesh.CertifyAsync(mesh.Plane, overheard, Sign(tokens, subject: "system:serviceaccount:shop:thief"), show: null);

        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span);
        SubjectNames.ReadSpiffeId(certificate)!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/thief");
        certificate.GetECDsaPublicKey()!.ExportSubjectPublicKeyInfo().ShouldBe(victim.ExportSubjectPublicKeyInfo());
        Should.Throw<ArgumentException>(() => certificate.CopyWithPrivateKey(own));
    }

    private static async Task ShouldBeRefusedAsync(ControlPlaneHost at, LogCapture logs, byte[] csr, string? token, X509Certificate2? show, string reason)
    {
        var (counted, logged) = (await CountAsync(), logs.Lines.Count);

        var error = await Should.ThrowAsync<GrpcException>(() => ProofMesh.CertifyAsync(at, csr, token, show));

        error.Code.ShouldBeOneOf(GrpcStatusCode.Unauthenticated, GrpcStatusCode.PermissionDenied, GrpcStatusCode.InvalidArgument);
        (await CountAsync()).ShouldBe(counted + 1);
        await LoggedAsync(logs, logged, line => line.StartsWith("CertifyRefused: ", StringComparison.Ordinal) && line.Contains(error.Message, StringComparison.Ordinal));
        logs.Lines.Skip(logged).ShouldAllBe(line => token == null || !line.Contains(token, StringComparison.Ordinal));

        async Task<double> CountAsync() => (await Scrape.OfAsync(at.TelemetryEndPoint)).Sum("meshlite_certifications_total", ("outcome", reason));
    }

    private static async Task<X509Certificate2> CertifyAsync(ControlPlaneHost at, string token)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var response = await ProofMesh.CertifyAsync(at, new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest(), token, show: null);
        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span);
        return certificate.CopyWithPrivateKey(key);
    }

    private static byte[] Request(string fault)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        return fault switch
        {
            "request signed by another key" => new CertificateRequest(new X500DistinguishedName(""), new PublicKey(key), HashAlgorithmName.SHA256).CreateSigningRequest(X509SignatureGenerator.CreateForECDsa(other)),
            "request of an RSA key" => new CertificateRequest("", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest(),
            "no request" => [],
            _ => new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest(),
        };
    }

    private static string Sign(
        ECDsa key, string algorithm = "ES256", string audience = JoinToken.Audience, string subject = "system:serviceaccount:shop:orders", int begins = 0, int expires = 600)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = $$"""{"aud":"{{audience}}","sub":"{{subject}}","nbf":{{now + begins}},"exp":{{now + begins + expires}}}""";
        var signed = $"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"{{algorithm}}"}"""))}.{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    // Counted first, and then logged.
    private static Task LoggedAsync(LogCapture logs, int since, Func<string, bool> says) => Eventually.TrueAsync(() => logs.Lines.Skip(since).Any(says), "it is named in the log");

    // Of a certificate; null: the reason is another.
    private static string? Sentence(string reason) => Enum.GetValues<PeerFailure>().Where(failure => failure != PeerFailure.None && failure.ToLabel() == reason).Select(failure => failure.ToSentence()).SingleOrDefault();

    private async Task<double> InboundAsync(string reason) => (await Scrape.OfAsync(mesh.Server)).Sum("meshlite_handshakes_total", ("direction", "inbound"), ("result", reason));

    private static IEnumerable<TheoryDataRow<string, string>> Rows(params (string Fault, string Reason)[] more) => Certificates.Concat(more).Select(row => new TheoryDataRow<string, string>(row.Fault, row.Reason));
}
