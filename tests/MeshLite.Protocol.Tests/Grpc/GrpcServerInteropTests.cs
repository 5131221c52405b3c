using System.Text.Json;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>@grpc/grpc-js's client, a process, against our server; each case is a function of <c>interop/echo-client.js</c>.</summary>
public sealed class GrpcServerInteropTests(GrpcPeers peers) : IClassFixture<GrpcPeers>
{
    [Theory]
    [InlineData("unary", """{"text":"grüße","metadata":"printable ASCII|00ff80","header":"printable ASCII","code":0,"trailer":"00ff80"}""")]
    [InlineData("emptyStream", """{"code":0,"messages":0}""")]
    [InlineData("clientStream", """{"sum":5050}""")]
    [InlineData("large", """{"length":3000000}""")]
    [InlineData("error", """{"code":9,"details":"nicht möglich: 100 % 错误\n","text":"more","bytes":"00ff01"}""")]
    [InlineData("errorAfterMessages", """{"code":10,"details":"später","text":"more","bytes":"00ff01","messages":3}""")]
    [InlineData("handlerThrows", """{"code":2,"details":"the handler failed"}""")]
    [InlineData("oversizedRequest", """{"code":8}""")]
    [InlineData("oversizedResponse", """{"code":8}""")]
    [InlineData("unknownMethod", """{"code":12,"details":"no method /meshlite.test.Echo/Missing"}""")]
    [InlineData("compressed", """{"code":12,"details":"message encoding 'gzip' is not supported, only identity is"}""")]
    public async Task Call_ByGrpcJs_EndsAsExpected(string name, string expected)
    {
        var result = await RunAsync(name);

        foreach (var property in JsonDocument.Parse(expected).RootElement.EnumerateObject())
        {
            result.GetProperty(property.Name).ToString().ShouldBe(property.Value.ToString(), property.Name);
        }
    }

    [Fact]
    public async Task ServerStream_ByGrpcJs_ArrivesInOrder() =>
        (await RunAsync("serverStream")).GetProperty("indexes").EnumerateArray().Select(e => e.GetInt32()).ShouldBe(Enumerable.Range(0, 100));

    [Fact]
    public async Task Bidi_ByGrpcJs_AnswersEachBeforeTheNext()
    {
        var result = await RunAsync("bidi");

        result.GetProperty("code").GetInt32().ShouldBe(0);
        result.GetProperty("texts").EnumerateArray().Select(e => e.GetString()).ShouldBe(Enumerable.Range(0, 50).Select(i => $"m{i}"));
    }

    [Theory]
    [InlineData("deadline", 4)]
    [InlineData("cancel", 1)]
    public async Task Call_GivenUpByGrpcJs_IsCancelledHere(string name, int code)
    {
        var result = await RunAsync(name);

        result.GetProperty("code").GetInt32().ShouldBe(code);
        var channel = await peers.ChannelAsync(GrpcPeers.MeshLite);
        await channel.UnaryAsync(EchoMethods.AwaitCancelled, new() { Id = $"js-{name}" }, new() { Timeout = TimeSpan.FromSeconds(20) });
    }

    [Fact]
    public async Task ServerStream_SlowGrpcJs_MakesTheHandlerWait()
    {
        var channel = await peers.ChannelAsync(GrpcPeers.MeshLite);
        using var node = await NodePeer.StartAsync("echo-client.js", Authority(await peers.AddressAsync(GrpcPeers.MeshLite)), "slowReader");
        (await node.StandardOutput.ReadLineAsync()).ShouldBe("""{"paused":true}""");

        var written = await Progress.SettledAsync(async () => (await channel.UnaryAsync(EchoMethods.Progress, new() { Id = "js-slow" })).Index);
        written.ShouldBeInRange(1, 64);

        await node.StandardInput.WriteLineAsync("go on");
        (await node.StandardOutput.ReadLineAsync()).ShouldBe("""{"code":0,"messages":1024}""");
        await node.WaitForExitAsync();
    }

    private static string Authority(Uri address) => $"{address.Host}:{address.Port}";

    private async Task<JsonElement> RunAsync(string name)
    {
        using var node = await NodePeer.StartAsync("echo-client.js", Authority(await peers.AddressAsync(GrpcPeers.MeshLite)), name);
        var line = await node.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        if (!node.HasExited)
        {
            node.StandardInput.Close();
            await node.WaitForExitAsync();
        }

        return JsonDocument.Parse(line.ShouldNotBeNull()).RootElement;
    }
}
