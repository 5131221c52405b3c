using MeshLite.Hosting;
using MeshLite.Sidecar.Capture;

namespace MeshLite.Sidecar.Tests.Capture;

public sealed class CaptureInputTests
{
    private const string Loopback = "00000000000000000000000000000001 01 80 10 80       lo";
    private const string LinkLocal = "fe80000000000000f0a1b2fffec3d4e5 02 40 20 80     eth0";
    private const string Global = "fd000000000000000000000000000005 02 40 00 80     eth0";

    [Theory]
    [InlineData("", (int)Ipv6.Absent)]
    [InlineData(Loopback, (int)Ipv6.LocalOnly)]
    [InlineData(Loopback + "\n" + LinkLocal, (int)Ipv6.LocalOnly)]
    [InlineData(Loopback + "\n" + LinkLocal + "\n" + Global, (int)Ipv6.Present)]
    public void Read_IfInet6_TellsWhetherOthersCanBeCalled(string file, int expected) =>
        Ipv6Addresses.Read(file.Split('\n')).ShouldBe((Ipv6)expected);

    [Theory]
    [InlineData(null, new int[0])]
    [InlineData("", new int[0])]
    [InlineData("587, 25,25", new[] { 25, 587 })]
    public void ParsePorts_List_IsSortedAndUnique(string? text, int[] expected) => PortList.Parse("--skip", text).ShouldBe(expected);

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("80,http")]
    [InlineData("-1")]
    public void ParsePorts_NoPort_IsTheOptionsFault(string text)
    {
        var wrong = Should.Throw<StartupException>(() => PortList.Parse("--skip", text));

        wrong.Message.ShouldStartWith("--skip: ");
        wrong.ExitCode.ShouldBe(CommandLineRunner.WrongOption);
    }
}
