using MeshLite.E2E.Pods.Kit;

namespace MeshLite.E2E.Pods;

/// <summary>The images as containers, with what the injected pod's specification gives them and nothing more; the applications are processes in the same pods.</summary>
[Collection(PodCollection.Name)]
public sealed class ContainerTests(PodMesh mesh)
{
    private const int ControlPlaneUid = 1654;
    private const string State = "/run/meshlite";

    [Fact]
    public async Task Images_AsAnInjectedPodRunsThem_MakeAMesh()
    {
        Tools.Need(Containers.Programs);
        await using var containers = await Containers.BuildAsync(mesh);

        // A control plane of its own, as a container.
        var control = await mesh.PodAsync("boxedcp");
        var directory = Directory.CreateDirectory(Path.Combine(mesh.Directory, "boxed")).FullName;
        var (config, data) = (Directory.CreateDirectory(Path.Combine(directory, "config")).FullName, Directory.CreateDirectory(Path.Combine(directory, "data")).FullName);
        await File.WriteAllTextAsync(Path.Combine(config, "mesh.yaml"), """
            apiVersion: meshlite.dev/v1alpha1
            kind: MeshConfig
            metadata: {name: default}
            spec: {clusterNetworks: [10.77.0.0/17, 10.96.0.0/16], mtls: {mode: Strict}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: boxed, namespace: shop}
            spec: {clusterIP: 10.96.0.41, ports: [{port: 80, targetPort: 8080}]}
            """);
        await mesh.Network.RunAsync("chown", $"{ControlPlaneUid}", data);
        var controlPlane = containers.Start(control, "control-plane", "control-plane", ControlPlaneUid,
            ["-v", $"{config}:/config:ro", "-v", $"{data}:/data"],
            ["--config-dir", "/config", "--data-dir", "/data", "--grpc", $"{control.Address}:15012", "--telemetry", "127.0.0.1:15014", "--san", $"{control.Address}"]);
        await controlPlane.ReadyAsync(TimeSpan.FromSeconds(60));

        // Two pods: capture first, then the sidecar.
        var (server, caller) = (await mesh.PodAsync("boxed"), await mesh.PodAsync("boxedcaller"));
        await PodMesh.AppAsync(server, "boxed");
        foreach (var (pod, account) in new[] { (server, "boxed"), (caller, "boxedcaller") })
        {
            var captured = await containers.RunAsync(pod, "sidecar", 0, ["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"], "capture");
            captured.ShouldContain("outgoing TCP goes to port 15001");
            var files = Directory.CreateDirectory(Path.Combine(directory, account)).FullName;
            await mesh.Network.RunAsync(mesh.Programs.Meshctl, "token", "create", "--data-dir", data, "--namespace", "shop", "--service-account", account, "--out", Path.Combine(files, "token"));
            File.Copy(Path.Combine(data, "ca.pem"), Path.Combine(files, "ca.pem"));
            await mesh.Network.RunAsync("chown", "-R", $"{PodSidecar.Uid}", files);
            string[] service = pod == server ? ["--service", "boxed", "--app-port", "8080", "--health-path", "/hello"] : [];
            var sidecar = containers.Start(pod, "sidecar", "sidecar", PodSidecar.Uid,
                ["-v", $"{files}:/var/run/secrets/meshlite:ro", "--tmpfs", $"{State}:rw,mode=1777"],
                [
                    "--transparent", "--control-plane", $"https://{control.Address}:15012", "--control-plane-ca", "/var/run/secrets/meshlite/ca.pem",
                    "--token", "/var/run/secrets/meshlite/token", "--state-dir", $"{State}/state", "--workload", pod.Name, .. service,
                ]);
            await sidecar.ReadyAsync(TimeSpan.FromSeconds(60));
        }

        await PodMesh.ReachesAsync(caller, "http://10.96.0.41/hello");
        (await caller.RunAsync("curl", "-sS", "-m", "10", "http://10.96.0.41/whoami")).ShouldStartWith("spiffe://cluster.local/ns/shop/sa/boxedcaller ");
        (await caller.RunAsync("dotnet", PodMesh.PodApp, "talk", $"{server.Address}", "4444", "hello")).ShouldContain("220 boxed ready");

        // What they may not do.
        foreach (var pid in (await mesh.Network.RunAsync("ip", "netns", "pids", caller.Namespace)).Split('\n'))
        {
            var status = await File.ReadAllLinesAsync($"/proc/{pid}/status");
            status.ShouldContain($"Uid:\t{PodSidecar.Uid}\t{PodSidecar.Uid}\t{PodSidecar.Uid}\t{PodSidecar.Uid}");
            status.Where(line => line.StartsWith("Cap", StringComparison.Ordinal)).ShouldAllBe(line => line.EndsWith("0000000000000000", StringComparison.Ordinal));
            (await File.ReadAllLinesAsync($"/proc/{pid}/mounts")).ShouldContain(line => line.Split(' ')[1] == "/" && line.Split(' ')[3].Split(',').Contains("ro"));
        }

        // One image for `drain` too, as the preStop hook runs it.
        await containers.ExecAsync(server, "sidecar", "/usr/bin/meshlite-sidecar", "drain");
        (await caller.RunAsync("curl", "-sS", "-m", "10", "http://10.96.0.41/hello")).ShouldContain("no_healthy_endpoint");
        await containers.StopAsync(server, "sidecar");
    }
}
