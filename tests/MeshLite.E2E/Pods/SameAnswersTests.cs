using System.Net.Sockets;
using MeshLite.E2E.Pods.Kit;

namespace MeshLite.E2E.Pods;

/// <summary>
/// Unmodified clients and servers of each protocol: what the client prints is the same through the mesh as without one.
/// <c>$H</c> is the server, a name or an address.
/// </summary>
[Collection(PodCollection.Name)]
public sealed class SameAnswersTests(PodMesh mesh)
{
    private const string App = "dotnet $APP";

    public static TheoryData<string, string, string> Calls() => new()
    {
        { "HTTP", "curl", "curl -sS -m 30 -w '%{http_code} %{content_type}\\n' http://$H:8080/hello" },
        { "HTTP, posted", "curl", "head -c 2000000 /usr/bin/curl | curl -sS -m 30 --data-binary @- http://$H:8080/echo | sha256sum" },
        { "HTTP, h2c", "curl", "curl -sS -m 30 --http2-prior-knowledge -w '%{http_code} %{http_version}\\n' http://$H:9090/hello" },
        { "nginx", "nginx", "curl -sS -m 30 -w '%{http_code} %{content_type} %header{last-modified}x\\n' http://$H:8000/ | grep -v x$; curl -sS http://$H:8000/index.html" },
        { "nginx, a large file", "nginx", "curl -sS -m 30 http://$H:8000/large.bin | sha256sum" },
        { "nginx, a range", "nginx", "curl -sS -m 30 -r 1000-1999 -w '%{http_code}' http://$H:8000/large.bin | sha256sum" },
        { "nginx, an odd status", "nginx", "curl -sS -m 30 -w '%{http_code}\\n' http://$H:8000/teapot" },
        { "nginx, a missing file", "nginx", "curl -sS -m 30 -w '%{http_code}\\n' -o /dev/null http://$H:8000/none" },
        { "Redis", "redis-cli redis-server", "redis-cli -h $H SET k $(head -c 5000 /dev/zero | tr '\\0' x); redis-cli -h $H GET k; redis-cli -h $H --raw INCR n-$RUN; (echo MULTI; echo 'SET a 1'; echo 'INCR a'; echo EXEC) | redis-cli -h $H" },
        { "PostgreSQL", "psql postgres", "PGCONNECT_TIMEOUT=20 psql -h $H -U test -d postgres -Atc 'select g, md5(g::text) from generate_series(1, 20000) g' | sha256sum" },
        { "PostgreSQL, a session", "psql postgres", "PGCONNECT_TIMEOUT=20 psql -h $H -U test -d postgres -At -c 'create temp table t(x int)' -c 'insert into t values (1), (2)' -c 'select sum(x) from t' -c 'select 1/0'" },
        { "gRPC", "dotnet", App + " grpc http://$H:9090" },
        { "WebSocket", "dotnet", App + " ws ws://$H:8080/ws" },
        { "bulk", "dotnet", App + " bulk $H 7000 100000000" },
        { "server first, on an opaque port", "dotnet", App + " talk $H 4444 hello 'two words'" },
        { "server first, on a port nobody knows of", "dotnet", App + " talk $H 7025 hello" },
        { "a line, and a half-closed connection", "dotnet", App + " talk $H 4444" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_WithAndWithoutMesh_IsAnsweredTheSame(string protocol, string program, string script)
    {
        Tools.Need(program.Split(' '));
        var pair = await MeshedPair.OfAsync(mesh);
        var arrived = await pair.ArrivedAsync();

        var without = await CallAsync(pair.PlainCaller, $"{pair.PlainServer.Address}", script);
        var with = await CallAsync(pair.Caller.Pod, MeshedPair.Service, script);

        with.ShouldBe(without, protocol);
        without.ShouldNotBeEmpty(protocol);
        without.ShouldNotContain("damaged");
        (await pair.ArrivedAsync()).ShouldBeGreaterThan(arrived, "it went through the mesh");
    }

    [Theory]
    [InlineData("curl -sS -m 30 http://$H:8080/hello")]
    [InlineData(App + " talk $H 4444 hello")]
    public async Task Call_OverIpv6_IsAnsweredTheSame(string script)
    {
        Tools.Need();
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this machine has no IPv6");
        var pair = await MeshedPair.OfAsync(mesh);
        var arrived = await pair.ArrivedAsync();

        var with = await CallAsync(pair.Caller.Pod, MeshedPair.Service + "6", script);

        with.ShouldBe(await CallAsync(pair.PlainCaller, $"{pair.PlainServer.Address}", script));
        (await pair.ArrivedAsync()).ShouldBeGreaterThan(arrived, "it went through the mesh");
    }

    [Fact]
    public async Task Metrics_OfSidecarsThatCarriedTcp_PleasePromtool()
    {
        Tools.Need("promtool");
        var pair = await MeshedPair.OfAsync(mesh);
        await CallAsync(pair.Caller.Pod, MeshedPair.Service, App + " talk $H 4444 hello");

        foreach (var pod in (Pod[])[pair.Caller.Pod, pair.Server.Pod])
        {
            var check = await pod.TryAsync("bash", "-o", "pipefail", "-c", "curl -sS http://127.0.0.1:15020/metrics | tee /dev/stderr | promtool check metrics | sed 's/^/promtool: /'");

            check.ExitCode.ShouldBe(0, check.Output);
            check.Output.ShouldContain("meshlite_tcp_sent_bytes_total{");
            check.Output.ShouldNotContain("promtool: ");
        }
    }

    // What is measured is told behind a #.
    private static async Task<string> CallAsync(Pod caller, string host, string script)
    {
        var call = await caller.TryAsync("bash", "-c", $"H={host}; APP={PodMesh.PodApp}; RUN=1; {script}");
        return string.Join('\n', call.Output.Split('\n').Where(line => !line.StartsWith('#')).Select(line => line.Replace(host, "HOST", StringComparison.Ordinal)));
    }
}
