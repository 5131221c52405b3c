using MeshLite.E2E.Pods.Kit;

namespace MeshLite.E2E.Pods;

/// <summary><c>meshlite-sidecar capture</c> against the kernel, in namespaces of its own.</summary>
[Collection(PodCollection.Name)]
public sealed class CaptureTests(PodMesh mesh)
{
    private const string Foreign = """
        iptables -t nat -N THEIRS && iptables -t nat -A PREROUTING -j THEIRS && iptables -t nat -A OUTPUT -d 192.0.2.1 -p tcp -j DNAT --to 10.77.0.1
        ip6tables -t nat -A OUTPUT -d 2001:db8::1 -p tcp -j DNAT --to fd77::1
        """;

    // As on a kernel without it, where the programs fail: first in the PATH are some that do.
    private const string WithoutIp6Tables = "d=$(mktemp -d); ln -s /bin/false $d/ip6tables-save; ln -s /bin/false $d/ip6tables-legacy-save; PATH=$d:$PATH ";

    [Fact]
    public async Task Capture_TwiceThenUndone_LeavesTheRulesOfOthersAsTheyWere()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("rules");
        await pod.RunAsync("sh", "-ec", Foreign);
        var before = await RulesAsync(pod);

        await pod.RunAsync(mesh.Programs.Sidecar, "capture");
        var once = await RulesAsync(pod);
        await pod.RunAsync(mesh.Programs.Sidecar, "capture");
        var twice = await RulesAsync(pod);
        await pod.RunAsync(mesh.Programs.Sidecar, "capture", "--undo");
        var undone = await RulesAsync(pod);
        await pod.RunAsync(mesh.Programs.Sidecar, "capture", "--undo");

        once.ShouldContain("-A PREROUTING -p tcp -j MESHLITE_INBOUND\n-A PREROUTING -j THEIRS");
        once.ShouldContain("-A OUTPUT -d 192.0.2.1/32 -p tcp -j DNAT --to-destination 10.77.0.1");
        twice.ShouldBe(once);
        undone.ShouldBe(before);
    }

    [Fact]
    public async Task Capture_DryRun_ChangesNothingAndPrintsBothFamilies()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("dry");
        var before = await RulesAsync(pod);

        var printed = await pod.RunAsync(mesh.Programs.Sidecar, "capture", "--dry-run", "--skip-outbound-ports", "25");

        printed.ShouldContain("# iptables-restore --noflush");
        printed.ShouldContain("# ip6tables-restore --noflush");
        printed.ShouldContain("-A MESHLITE_OUTPUT -p tcp --dport 25 -j RETURN");
        (await RulesAsync(pod)).ShouldBe(before);
    }

    [Fact]
    public async Task Capture_WithNetAdminAndNetRawOnly_Works()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("caps");

        await pod.RunAsync("setpriv", "--bounding-set=-all,+net_admin,+net_raw", mesh.Programs.Sidecar, "capture");

        (await RulesAsync(pod)).ShouldContain("-A OUTPUT -p tcp -j MESHLITE_OUTPUT");
    }

    [Fact]
    public async Task Capture_WithoutIpv6_CapturesIpv4()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("v4only", ipv6: false);

        var hidden = await pod.TryAsync("sh", "-ec", WithoutIp6Tables + $"{mesh.Programs.Sidecar} capture");

        hidden.ExitCode.ShouldBe(0, hidden.Output);
        hidden.Output.ShouldContain("ip6tables: left alone");
        (await RulesAsync(pod)).ShouldContain("-A OUTPUT -p tcp -j MESHLITE_OUTPUT");
    }

    [Fact]
    public async Task Capture_Ipv6ThatCanNotBeCaptured_Fails()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("v6open");

        var open = await pod.TryAsync("sh", "-ec", WithoutIp6Tables + $"{mesh.Programs.Sidecar} capture");

        open.ExitCode.ShouldBe(1);
        open.Output.ShouldContain("this pod has IPv6 addresses, by which calls would leave in plaintext");
    }

    [Fact]
    public async Task Sidecar_TransparentUnderAnotherUser_DoesNotStart()
    {
        Tools.Need();
        var pod = await mesh.PodAsync("root");

        var sidecar = await pod.TryAsync(mesh.Programs.Sidecar,
            "--transparent", "--control-plane", "https://127.0.0.1:1", "--control-plane-ca", "/dev/null", "--token", "/dev/null", "--state-dir", Path.Combine(mesh.Directory, "root"));

        sidecar.ExitCode.ShouldBe(2);
        sidecar.Output.ShouldContain("--transparent: needs to run as uid 1337, this is 0");
    }

    private static Task<string> RulesAsync(Pod pod) => pod.RunAsync("sh", "-c", "iptables -t nat -S; ip6tables -t nat -S");
}
