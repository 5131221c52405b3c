using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Hosting;
using MeshLite.Protocol.Client;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Cli.Operator;

/// <summary>
/// A connection to the control plane as its operator: gets a certificate by the token, shows it, asks. Key and certificate live in memory only, for one command.
/// A method more is a call of <see cref="Channel"/> more.
/// </summary>
internal sealed class OperatorClient : IDisposable
{
    private readonly IssuedSvid _svid;
    private readonly X509Certificate2 _certificate;
    private readonly ControlPlaneConnection _connection;
    private readonly TimeProvider _time;

    private OperatorClient(IssuedSvid svid, ControlPlaneDialer dialer, TrustBundle roots, TimeProvider time)
    {
        (_svid, _time) = (svid, time);
        _certificate = svid.Chain[0].CopyWithPrivateKey(svid.Key);
        var show = SslStreamCertificateContext.Create(_certificate, [.. svid.Chain.Skip(1)], offline: true);
        _connection = dialer.Open(show, svid.Id.TrustDomain, _ => Task.FromResult(svid.Bundle.Union(roots)));
    }

    /// <summary>For calls of <c>meshlite.v1.Operator</c>.</summary>
    public GrpcChannel Channel => _connection.Channel;

    /// <summary>The roots the mesh believes, as they came with the certificate.</summary>
    public TrustBundle Roots => _svid.Bundle;

    /// <summary>Gets a certificate; throws <see cref="StartupException"/> for options that cannot be used, <see cref="OperatorException"/> for everything else.</summary>
    public static async Task<OperatorClient> ConnectAsync(OperatorTarget target, TimeProvider time, CancellationToken cancellationToken)
    {
        var roots = ReadRoots(target.CaFile);
        var token = ReadFile("--token-file", target.TokenFile).Trim();
        var dialer = new ControlPlaneDialer(target.Address, target.ServerName, time);
        using var exchange = new SvidExchange();
        using var first = dialer.Open(show: null, trustDomain: null, _ => Task.FromResult(roots));
        try
        {
            var (svid, problem) = exchange.Check(await SvidExchange.SendAsync(first.Channel, exchange.Request(), token, cancellationToken), time);
            return svid is null ? throw new OperatorException("identity", problem, "do the clocks agree?")
                : SvidProfile.IsOperator(svid.Id) ? new OperatorClient(svid, dialer, roots, time)
                : throw new OperatorException("identity", $"the token is one of {svid.Id}, who may not ask", OperatorException.GetToken);
        }
        catch (GrpcException refusal)
        {
            throw OperatorException.Of(refusal, target);
        }
        catch (CryptographicException problem)
        {
            throw new OperatorException("identity", $"the control plane's answer cannot be used: {problem.Message}", "is that the control plane?");
        }
    }

    /// <summary>What the mesh's replicas report.</summary>
    public async Task<MeshReport> ReportAsync(ReportRequest request, OperatorTarget target, CancellationToken cancellationToken)
    {
        try
        {
            using var call = Channel.ServerStreaming(MeshMethods.OperatorReport, request, new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) }, cancellationToken);
            var report = new MeshReport();
            while (await call.ReadAsync(cancellationToken) is { } part)
            {
                report.Add(part, _time.GetUtcNow());
            }

            return report;
        }
        catch (GrpcException refusal)
        {
            throw OperatorException.Of(refusal, target);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        _certificate.Dispose();
        _svid.Key.Dispose();
    }

    private static TrustBundle ReadRoots(string file)
    {
        try
        {
            return TrustBundle.FromPem(ReadFile("--control-plane-ca", file));
        }
        catch (CryptographicException problem)
        {
            throw StartupException.WrongOption("--control-plane-ca", $"{file}: {problem.Message}");
        }
    }

    private static string ReadFile(string option, string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw StartupException.WrongOption(option, problem.Message);
        }
    }
}
