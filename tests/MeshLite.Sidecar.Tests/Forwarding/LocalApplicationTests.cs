using System.Net;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class LocalApplicationTests
{
    private static readonly AttemptSettings Attempts = new(new ManualTimeProvider(), new Random(1));
    private static readonly IPEndPoint Declared = new(IPAddress.Loopback, 8080);

    [Fact]
    public void PrefixFor_Captured_IsWhereItWasGoing()
    {
        using var application = new LocalApplication(Declared, null!, Attempts);

        application.PrefixFor(new MeshConnection(ListenerRole.Inbound, ConnectionProtocol.Http1)).ShouldBe("http://127.0.0.1:8080");
        application.PrefixFor(Captured("[fd77::3]:9090")).ShouldBe("http://[fd77::3]:9090");
    }

    [Fact]
    public void PrefixFor_NothingDeclared_IsNoneUnlessCaptured()
    {
        using var application = new LocalApplication(null, null!, Attempts);

        application.PrefixFor(new MeshConnection(ListenerRole.Inbound, ConnectionProtocol.Http1)).ShouldBeNull();
        application.PrefixFor(Captured("10.77.0.3:8080")).ShouldBe("http://10.77.0.3:8080");
    }

    [Fact]
    public void Refuses_SidecarsOwnPortOrForeignAddress_SaysWhy()
    {
        // No pod's address is one that is reserved for documentation (RFC 5737).
        using var application = new LocalApplication(Declared, null!, Attempts) { Own = new OwnAddresses(new ManualTimeProvider()), OwnPorts = [15000, 15001] };
        var own = application.Own.First ?? IPAddress.Loopback;
        Assert.SkipWhen(IPAddress.IsLoopback(own), "this machine has loopback only");

        application.Refuses(new IPEndPoint(own, 15000)).ShouldBe("port 15000 is the sidecar's own");
        application.Refuses(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 8080)).ShouldBe("192.0.2.1 is no address of this pod");
        application.Refuses(new IPEndPoint(own, 8080)).ShouldBeNull();
    }

    private static MeshConnection Captured(string original) => new(ListenerRole.Inbound, ConnectionProtocol.Http1)
    {
        OriginalPrefix = LocalApplication.PrefixOf(IPEndPoint.Parse(original)),
    };
}
