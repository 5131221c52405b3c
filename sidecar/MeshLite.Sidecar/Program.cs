using MeshLite.Hosting;
using MeshLite.Sidecar;

return await CommandLineRunner.RunAsync(SidecarCommand.Create(SidecarStartup.RunAsync), args);
