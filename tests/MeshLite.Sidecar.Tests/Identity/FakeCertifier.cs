using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Google.Protobuf;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

/// <summary>A control plane's Certify, answered by the test: by default with a good certificate of <see cref="Leaf"/>.</summary>
internal sealed class FakeCertifier(TestAuthority authority) : ICertifier
{
    private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();

    public TestLeaf Leaf { get; set; } = new();

    /// <summary>Answers instead of the default; may throw.</summary>
    public Func<CertifyRequest, CertifyResponse>? Answer { get; set; }

    public int Count { get; private set; }

    public Task<CertifyResponse> CertifyAsync(CertifyRequest request, string? token, WorkloadCertificate? show, TrustBundle? believe, CancellationToken cancellationToken)
    {
        Count++;
        _calls.Writer.TryWrite(new Call(request, token, show));
        return Task.FromResult(Answer is null ? Sign(request) : Answer(request));
    }

    /// <summary>The next call; fails where none comes.</summary>
    public async Task<Call> NextAsync() =>
        await _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>The calls not yet looked at.</summary>
    public List<Call> Drain()
    {
        var calls = new List<Call>();
        while (_calls.Reader.TryRead(out var call))
        {
            calls.Add(call);
        }

        return calls;
    }

    public CertifyResponse Sign(CertifyRequest request) => Sign(KeyOf(request));

    public CertifyResponse Sign(PublicKey key) => new()
    {
        CertificateChain = { ByteString.CopyFrom(authority.Issue(Leaf, key).RawData) },
        TrustBundle = { ByteString.CopyFrom(authority.Public.RawData) },
    };

    public static PublicKey KeyOf(CertifyRequest request) =>
        CertificateRequest.LoadSigningRequest(request.Csr.ToByteArray(), HashAlgorithmName.SHA256).PublicKey;

    internal sealed record Call(CertifyRequest Request, string? Token, WorkloadCertificate? Shown);
}
