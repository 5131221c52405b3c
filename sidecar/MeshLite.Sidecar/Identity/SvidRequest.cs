using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Client;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// One attempt to get a certificate: a new key, a signing request, the answer checked. Keeps nothing; used by
/// <see cref="WorkloadIdentity"/>'s loop.
/// </summary>
internal sealed class SvidRequest(IdentityOptions options, ICertifier certifier, TimeProvider time)
{
    /// <summary>
    /// Sends a request:
    /// <list type="number">
    /// <item>proof: the token there is now, and the certificate held while it is valid; on every second attempt the token alone</item>
    /// <item>a new key and the request for it</item>
    /// <item>the answer must certify that key, to an identity we accept, under the bundle that came with it</item>
    /// </list>
    /// </summary>
    public async Task<(IssuedSvid? Issued, SvidFailure Failure)> SendAsync(WorkloadCertificate? held, int failures, CancellationToken cancellationToken)
    {
        try
        {
            // Step 1: the control plane says which of the two it goes by. One that lost its CA ends each handshake in which our
            // certificate is shown: the token alone is the way back.
            var (token, problem) = await ReadTokenAsync(cancellationToken);
            var show = held is not null && held.IsValidAt(time.GetUtcNow()) && (failures % 2 == 0 || token is null) ? held : null;
            if (show is null && token is null)
            {
                return (null, new SvidFailure("no_token", problem));
            }

            // Step 2
            using var exchange = new SvidExchange();
            var response = await certifier.CertifyAsync(exchange.Request(), token, show, held?.Bundle, cancellationToken);

            // Step 3
            (var issued, problem) = exchange.Check(response, time);
            if (issued is not null && Misplaced(issued.Id) is { } misplaced)
            {
                issued.Key.Dispose();
                (issued, problem) = (null, misplaced);
            }

            return (issued, issued is null ? new SvidFailure("bad_response", problem) : default);
        }
        catch (GrpcException refusal)
        {
            return (null, new SvidFailure(refusal.Code.ToString(), $"the control plane did not certify this workload: {refusal.Message}"));
        }
        catch (CryptographicException error)
        {
            return (null, new SvidFailure("bad_response", $"the control plane's answer cannot be used: {error.Message}"));
        }
    }

    /// <summary>Whether a certificate would serve this workload: peers under this bundle would accept it, and it names the namespace meant.</summary>
    public (SpiffeId? Id, string Problem) Judge(X509Certificate2 leaf, X509Certificate2Collection intermediates, TrustBundle bundle)
    {
        var result = new PeerVerifier(bundle, trustDomain: null, time).Verify(leaf, intermediates, PeerRole.Server);
        if (result.Id is null)
        {
            return (null, $"the certificate {result.Failure.ToSentence()}");
        }

        return Misplaced(result.Id) is { } misplaced ? (null, misplaced) : (result.Id, "");
    }

    private string? Misplaced(SpiffeId id) => options.Namespace is { } expected && id.Namespace != expected
        ? $"the certificate is for namespace '{id.Namespace}', this workload is in '{expected}'"
        : null;

    private async Task<(string? Token, string Problem)> ReadTokenAsync(CancellationToken cancellationToken)
    {
        if (options.TokenFile is not { } file)
        {
            return (null, "there is neither a valid certificate nor a token (--token) to get one with");
        }

        try
        {
            return ((await File.ReadAllTextAsync(file, cancellationToken)).Trim(), "");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, $"cannot read the token: {error.Message}");
        }
    }
}

/// <summary>Why none was: a word for the metric, a sentence for people.</summary>
internal readonly record struct SvidFailure(string Kind, string Sentence);
