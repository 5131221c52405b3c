using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Tests.Listeners;

/// <summary>That the kernel fills it in as read here is the business of the tests with network namespaces.</summary>
public sealed class OriginalDestinationTests
{
    [Theory]
    [InlineData("02001F900A4D0003" + "0000000000000000", "10.77.0.3:8080")]
    [InlineData("0A0001BB00000000" + "FD770000000000000000000000000003" + "00000000", "[fd77::3]:443")]
    public void Parse_SockAddr_IsTheEndPoint(string bytes, string expected) =>
        OriginalDestination.Parse(Convert.FromHexString(bytes)).ShouldBe(IPEndPoint.Parse(expected));

    [Theory]
    [InlineData("")]
    [InlineData("0200")]
    [InlineData("02001F900A4D00")]
    [InlineData("0A0001BB00000000FD77000000000000")]
    [InlineData("01002F746D702F73")]
    public void Parse_AnythingElse_IsNone(string bytes) => OriginalDestination.Parse(Convert.FromHexString(bytes)).ShouldBeNull();

    [Fact]
    public async Task Of_ConnectionThatWasMeantForUs_IsNone()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();

        OriginalDestination.Of(server).ShouldBeNull();
    }
}
