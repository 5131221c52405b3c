using System.Text;
using MeshLite.Sidecar.Listeners;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads the first bytes of a connection, before anybody is known to be there.</summary>
public sealed class ConnectionFuzzTests
{
    private static readonly string[] Words = ["GET ", " HTTP/1.1\r\n", "CONNECT ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n", "\n", "\x16\x03\x01", "\x16\x03\x01\x40\x00\x01"];

    [Fact]
    public void ProtocolDetector_AnyBytes_DecidesOnceAndForAll() => new Fuzzer("detection", Words) { AllocationPerByte = 0 }.Run((byte[] seen) =>
    {
        var whole = ProtocolDetector.Detect(seen);
        for (var length = 0; length < seen.Length; length += 1 + (seen.Length / 16))
        {
            var early = ProtocolDetector.Detect(seen.AsSpan(0, length));
            if (early != ConnectionProtocol.Undecided)
            {
                early.ShouldBe(whole);
            }
        }

        if (seen.Length >= ProtocolDetector.MaxPeekBytes)
        {
            whole.ShouldNotBe(ConnectionProtocol.Undecided);
        }
    });

    [Fact]
    public void ClientHello_AnyBytes_IsReadOrRefused() => new Fuzzer("detection", Words).Run((byte[] seen) =>
    {
        var result = ClientHello.Parse(seen, out var hello);
        if (result != ClientHelloResult.Parsed)
        {
            hello.ShouldBe(default);
        }
        else if (hello.ServerName is { } name)
        {
            name.Length.ShouldBeInRange(1, 253);
            name.ShouldAllBe(c => c > ' ' && c <= '~');
        }
    });

    [Fact]
    public void ClientHello_Written_IsReadAgain() => new Fuzzer("names").Run(text =>
    {
        // What a client may name: letters, digits, dots, dashes (RFC 6066 §3).
        var name = new string([.. text.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.').Take(200)]).Trim('.');
        if (name.Length == 0 || name.Contains("..", StringComparison.Ordinal))
        {
            return;
        }

        ClientHello.Parse(Write(name, text.Length % 2 == 0), out var hello).ShouldBe(ClientHelloResult.Parsed);
        hello.OffersMesh.ShouldBe(text.Length % 2 == 0);
        hello.ServerName.ShouldBe(name, StringCompareShould.IgnoreCase);
    });

    [Fact]
    public void ConnectHead_AnyBytes_IsATargetOrNone() => new Fuzzer("connect", Words).Run((byte[] head) =>
    {
        var target = ConnectHead.Target([.. head, .. "\r\n\r\n"u8]);
        if (target is not null)
        {
            target.ShouldNotContain(' ');
            target.ShouldNotContain('\r');
            Encoding.Latin1.GetString(head).ShouldStartWith($"CONNECT {target} HTTP/1.");
        }
    });

    private static byte[] Write(string serverName, bool mesh)
    {
        var name = Encoding.ASCII.GetBytes(serverName);
        byte[] sni = [0, 0, .. Short(name.Length + 5), .. Short(name.Length + 3), 0, .. Short(name.Length), .. name];
        var protocol = mesh ? "meshlite-http/1"u8 : "h2"u8;
        byte[] alpn = [0, 16, .. Short(protocol.Length + 3), .. Short(protocol.Length + 1), (byte)protocol.Length, .. protocol];
        byte[] extensions = [.. alpn, .. sni];
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, .. Short(extensions.Length), .. extensions];
        byte[] handshake = [1, 0, .. Short(body.Length), .. body];
        return [22, 3, 1, .. Short(handshake.Length), .. handshake];
    }

    private static byte[] Short(int value) => [(byte)(value >> 8), (byte)value];
}
