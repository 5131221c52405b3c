using System.Buffers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Operator;
using MeshLite.Metrics;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Operator;

public sealed class ExpiryWatchTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly TestDirectory _directory = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly RecordingLogger<ExpiryWatch> _log = new();
    private readonly MetricRegistry _registry;
    private readonly IdentityModule _identity;
    private readonly ExpiryWatch _watch;

    public ExpiryWatchTests()
    {
        _registry = new MetricRegistry(_time);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var root = request.CreateSelfSigned(_time.GetUtcNow() - SvidProfile.Backdate, _time.GetUtcNow() + TimeSpan.FromDays(60));
        File.WriteAllText(_directory["ca.key"], key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(_directory["ca.pem"], root.ExportCertificatePem());
        _identity = IdentityModule.Create(new IdentityOptions { DataDirectory = _directory.Path }, _time, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        _watch = new ExpiryWatch(_identity, _time, _log);
        _watch.Register(_registry);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _identity.Dispose();
        _registry.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Look_RootNearItsEnd_WarnsOnceADay()
    {
        _watch.Look();
        _log.Lines.ShouldBeEmpty();

        // A quarter of 60 days.
        _time.Advance(TimeSpan.FromDays(45) + TimeSpan.FromMinutes(1));
        _watch.Look();
        _watch.Look();
        _log.Lines.Count(IsOfTheRoot).ShouldBe(1);
        _log.Lines.Single(IsOfTheRoot).ShouldBe($"The root 'CN=root' ends on {Root.EndsAt.UtcDateTime:u}: rotate it before then, all certificates under it end with it");
        _log.Lines.Count(l => l.StartsWith("The signing certificate 'CN=root' ends", StringComparison.Ordinal)).ShouldBe(1);

        _time.Advance(TimeSpan.FromHours(23));
        _watch.Look();
        _log.Lines.Count(IsOfTheRoot).ShouldBe(1);
        _time.Advance(TimeSpan.FromHours(1));
        _watch.Look();
        _log.Lines.Count(IsOfTheRoot).ShouldBe(2);
    }

    [Fact]
    public async Task Run_AtTheStart_Looks()
    {
        _time.Advance(TimeSpan.FromDays(50));

        var running = _watch.RunAsync(_stop.Token);

        await Eventually.TrueAsync(() => _log.Lines.Any(IsOfTheRoot), "it looks at once");
        await _stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
    }

    [Fact]
    public void Metrics_AsTimePasses_CountDownAndTheServerIsRenewed()
    {
        var root = Root.EndsAt - _time.GetUtcNow();
        Value("meshlite_control_plane_certificate_expiry_seconds", "root").ShouldBe(root.TotalSeconds, 1);
        Value("meshlite_control_plane_certificate_expiry_seconds", "issuer").ShouldBe(root.TotalSeconds, 1);
        Value("meshlite_control_plane_certificate_lifetime_seconds", "root").ShouldBe(root.TotalSeconds, 1);
        Value("meshlite_control_plane_certificate_expiry_seconds", "server").ShouldBe(24 * 3600, 1);

        _time.Advance(TimeSpan.FromHours(10));
        Value("meshlite_control_plane_certificate_expiry_seconds", "root").ShouldBe(root.TotalSeconds - 36_000, 1);
        Value("meshlite_control_plane_certificate_expiry_seconds", "server").ShouldBe(14 * 3600, 1);
        _time.Advance(TimeSpan.FromHours(10));
        Value("meshlite_control_plane_certificate_expiry_seconds", "server").ShouldBe(24 * 3600, 1, "though nobody shook hands, what is told is what the next handshake shows");
        Text().ShouldContain("meshlite_join_token_key_age_seconds ");
    }

    private OwnCertificate Root => _identity.Certificates().Single(c => c.Kind == OwnCertificateKind.Root);

    private static bool IsOfTheRoot(string line) => line.Contains("The root 'CN=root'", StringComparison.Ordinal);

    private double Value(string family, string kind)
    {
        var line = Text().Split('\n').Single(l => l.StartsWith($"{family}{{kind=\"{kind}\"", StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private string Text()
    {
        var buffer = new ArrayBufferWriter<byte>();
        _registry.Write(buffer, ExpositionFormat.Text);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
