using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Listeners;
using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.ControlPlane.Tests.Listeners;

public sealed class PortGateTests : IDisposable
{
    private static readonly PortLimits Limits = new() { MaxProven = 2, MaxUnproven = 3, MaxUnprovenOfOne = 2, UnprovenLife = TimeSpan.FromSeconds(30) };

    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;
    private readonly RecordingLogger _log = new();
    private readonly PortGate _gate;

    public PortGateTests()
    {
        _registry = new MetricRegistry(_time);
        _gate = new PortGate("grpc", Limits, new PortRefusals(new ControlPlaneMetrics(_registry), _log), _time);
    }

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Enter_OneAddressBeyondItsShare_IsRefusedAndOthersAreNot()
    {
        var open = new[] { Open("10.1.0.1"), Open("10.1.0.1") };

        Open("10.1.0.1").WasRefused.ShouldBeTrue();
        Open("10.1.0.2").WasRefused.ShouldBeFalse();
        Open("10.1.0.3").WasRefused.ShouldBeTrue("all there may be are open");
        open.ShouldAllBe(connection => !connection.WasRefused);
        _gate.Unproven.ShouldBe(3);
    }

    [Fact]
    public void Leave_MakesRoom()
    {
        var first = Open("10.1.0.1");
        Open("10.1.0.1");

        first.End();

        Open("10.1.0.1").WasRefused.ShouldBeFalse();
    }

    [Fact]
    public void Prove_TakesNoneOfTheUnprovensRoom()
    {
        var (first, second, third) = (Open("10.1.0.1"), Open("10.1.0.1"), Open("10.1.0.2"));
        (first.Gated.Prove(), second.Gated.Prove()).ShouldBe((true, true));

        new[] { Open("10.1.0.1"), Open("10.1.0.1") }.ShouldAllBe(connection => !connection.WasRefused);
        third.Gated.Prove().ShouldBeFalse("there is room for two");
        third.WasRefused.ShouldBeTrue();
        (_gate.Proven, _gate.Unproven).ShouldBe((2, 3));
        first.End();
        third.End();
        (_gate.Proven, _gate.Unproven).ShouldBe((1, 2));
    }

    [Fact]
    public void Life_WithoutCertificate_EndsOnTime()
    {
        var (anonymous, proven) = (Open("10.1.0.1"), Open("10.1.0.2"));
        proven.Gated.Prove().ShouldBeTrue();

        _time.Advance(TimeSpan.FromSeconds(29.9));
        anonymous.WasRefused.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));

        (anonymous.WasRefused, proven.WasRefused).ShouldBe((true, false));
        _time.Advance(TimeSpan.FromHours(1));
        proven.WasRefused.ShouldBeFalse();
    }

    // OpenSSL's part of it would wait for a collection of the oldest generation.
    [Fact]
    public void Done_TheConnectionEnds_ItsCertificateIsDisposed()
    {
        using var key = ECDsa.Create();
        using var certificate = new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var connection = new Connection("10.1.0.1");
        connection.Features.Set<ITlsConnectionFeature>(new TlsConnectionFeature { ClientCertificate = certificate });
        connection.Features.Set(new Caller(new SpiffeId("cluster.local", "shop", "cart"), DateTimeOffset.UnixEpoch.AddYears(100)));

        connection.Serving = _gate.Enter(GrpcHandshakes.Done(_ => connection.Open.Task))(connection);
        certificate.Handle.ShouldNotBe(IntPtr.Zero);
        _gate.Proven.ShouldBe(1);
        connection.End();

        certificate.Handle.ShouldBe(IntPtr.Zero);
    }

    private Connection Open(string address)
    {
        var connection = new Connection(address);
        connection.Serving = _gate.Enter(_ => connection.Open.Task)(connection);
        return connection;
    }

    private sealed class Connection : DefaultConnectionContext
    {
        public Connection(string address) => RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 40_000);

        public TaskCompletionSource Open { get; } = new();

        public Task Serving { get; set; } = Task.CompletedTask;

        public bool WasRefused { get; private set; }

        public GatedConnection Gated => Features.Get<GatedConnection>().ShouldNotBeNull();

        public override void Abort(ConnectionAbortedException abortReason) => WasRefused = true;

        public void End()
        {
            Open.SetResult();
            Serving.IsCompletedSuccessfully.ShouldBeTrue();
        }
    }
}
